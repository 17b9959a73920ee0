package worker

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// What the dispatcher says of a caller, and what becomes of that at the door.
func TestIdentify(t *testing.T) {
	someone := protocol.Identity{User: "ann", Role: octaskly.RoleClient, Token: "t1"}
	for name, test := range map[string]struct {
		answer protocol.Identity
		want   error
		says   string
	}{
		"somebody":   {answer: someone},
		"nobody":     {protocol.Identity{Refused: "cannot know\nyou"}, octaskly.ErrUnknown, "cannot know you"},
		"too many":   {protocol.Identity{Busy: true}, octaskly.ErrFull, "too many"},
		"nothing":    {protocol.Identity{}, octaskly.ErrUnavailable, "nothing that makes sense"},
		"half a row": {protocol.Identity{User: "ann"}, octaskly.ErrUnavailable, "nothing that makes sense"},
	} {
		t.Run(name, func(t *testing.T) {
			var c callers
			asks := c.begin(true)
			go func() {
				q := <-asks
				test.answer.Number = q.Number
				c.answered([]protocol.Identity{{Number: 99, User: "somebody else", Token: "t"}, test.answer, test.answer})
			}()
			who, err := c.identify(t.Context(), protocol.Caller{Token: "secret"})
			if !errors.Is(err, test.want) || test.want == nil && who != test.answer {
				t.Errorf("%+v, %v", who, err)
			}
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("it says %q", err)
			}
			if len(c.open) > 0 {
				t.Error("a question stays open")
			}
		})
	}
}

// Nobody is let in while the dispatcher cannot be asked, and whoever waits hears so.
func TestNobodyToAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c callers
		unavailable := func(what string) {
			t.Helper()
			began := time.Now()
			_, err := c.identify(t.Context(), protocol.Caller{})
			if !errors.Is(err, octaskly.ErrUnavailable) || !strings.Contains(err.Error(), what) {
				t.Errorf("%v, want %s", err, what)
			}
			if took := time.Since(began); took > answerTime {
				t.Errorf("%s: it took %v", what, took)
			}
		}
		unavailable("no session with its dispatcher")
		c.begin(false)
		unavailable("upgrade the dispatcher")
		c.begin(true)
		unavailable("has not said so within 5s")
		c.begin(true)
		go func() { time.Sleep(time.Second); c.end() }()
		unavailable("has ended meanwhile")
		unavailable("no session with its dispatcher")

		c.begin(true)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.identify(ctx, protocol.Caller{}); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that left: %v", err)
		}
	})
}

// So many may ask at once, and no more; then it is their turn again.
func TestManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c callers
		asks := c.begin(true)
		var all sync.WaitGroup
		for range protocol.MaxCallers {
			all.Go(func() {
				if who, err := c.identify(t.Context(), protocol.Caller{}); who.User != "ann" || err != nil {
					t.Errorf("%+v, %v", who, err)
				}
			})
		}
		synctest.Wait()
		if _, err := c.identify(t.Context(), protocol.Caller{}); !errors.Is(err, octaskly.ErrFull) {
			t.Errorf("one too many: %v", err)
		}
		for range protocol.MaxCallers {
			c.answered([]protocol.Identity{{Number: (<-asks).Number, User: "ann", Token: "t"}})
		}
		all.Wait()
		if len(c.open) > 0 {
			t.Errorf("%d questions stay open", len(c.open))
		}
	})
}
