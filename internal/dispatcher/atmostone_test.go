package dispatcher

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// A worker that may run what must not run twice is not forgotten before its lease
// is over.
func TestRemovalWaitsForLease(t *testing.T) {
	for once, refused := range map[bool]bool{false: false, true: true} {
		l := goLive(t, octaskly.Policy{})
		h := l.join("w", octaskly.LevelNone.Feature(), octaskly.AtMostOne)
		_, err := l.submit(func(s *api.Submission) { s.AtMostOne = once })
		l.check(err)
		h.task()
		h.leave(false)
		var why error
		l.inCore(func(c *core) {
			w, at := c.workers[workerID("w")], now()
			w.leaseEnd = at.Add(time.Hour)
			why = c.checkRemoval(w, at)
		})
		if (why != nil) != refused || refused && !strings.Contains(fmt.Sprint(why), "its lease ends in 1h0m0s") {
			t.Fatalf("at most one %v: %v", once, why)
		}
		remove := func() error {
			_, err := l.d.RemoveWorker(t.Context(), api.Caller{Name: "me"}, "w")
			return err
		}
		if err := remove(); errors.Is(err, octaskly.ErrConflict) != refused {
			t.Fatalf("at most one %v: %v", once, err)
		}
		if !refused {
			continue
		}
		l.inCore(func(c *core) { c.workers[workerID("w")].leaseEnd = now() })
		if err := remove(); err != nil {
			t.Errorf("after the lease: %v", err)
		}
	}
}
