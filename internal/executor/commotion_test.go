package executor

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// TestCommotion has everybody want something of every attempt at any time. Each
// attempt must end once, be recalled, or be dropped; and then nothing is left.
func TestCommotion(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		const crowds, each = 3, 50
		cfg.Slots, cfg.Room = 4, octaskly.Room{octaskly.CPU: 3}
		r := newRig(t, cfg)
		specs := []octaskly.Spec{
			{Argv: []string{"true"}},
			{Argv: []string{"sleep", "0.01"}, Room: octaskly.Room{octaskly.CPU: 1}},
			{Argv: []string{"sleep", "1000"}, Timeout: 1},
			{Argv: []string{"missing"}, Room: octaskly.Room{octaskly.CPU: 3}},
			shell("echo x; sleep 0.01 & echo y >&2"),
			shell("head -c 70000 /dev/zero; touch dirt"),
			{Argv: []string{"sleep", "0.01"}, AtMostOne: true},
		}
		r.Renew(Now(), time.Hour)
		var mu sync.Mutex
		gone := map[octaskly.AttemptID]bool{} // recalled or dropped
		var group sync.WaitGroup
		for crowd := range crowds {
			random := rand.New(rand.NewPCG(uint64(crowd), 1))
			name := func(i int) octaskly.AttemptID {
				return octaskly.AttemptID{Job: octaskly.JobID(crowd + 1), Index: int64(i), Number: 1}
			}
			group.Go(func() {
				for i := range each {
					r.Offer([]*Attempt{{ID: name(i), Generation: "g", Spec: &specs[random.IntN(len(specs))]}})
					id := name(random.IntN(i + 1))
					switch random.IntN(7) {
					case 0:
						r.Stop(id, false)
					case 1:
						_ = r.Signal(id, 10) // often too early or too late
					case 2:
						if len(r.Recall([]octaskly.AttemptID{id})) > 0 {
							mu.Lock()
							gone[id] = true
							mu.Unlock()
						}
					case 3:
						mu.Lock()
						gone[id] = true
						r.Stop(id, true)
						mu.Unlock()
					case 4: // from fine to over
						r.Renew(Now(), time.Duration(random.IntN(20))*time.Millisecond+1)
					case 5:
						r.Renew(Now(), time.Hour)
					}
				}
			})
		}
		group.Wait()
		r.Renew(Now(), time.Hour)
		r.await(func() bool {
			_, held := r.Held()
			for _, h := range held {
				if h.State != octaskly.Completed {
					return false
				}
			}
			return r.Idle()
		})
		r.take()
		ends := map[octaskly.AttemptID]protocol.Finished{}
		var ids []octaskly.AttemptID
		for _, f := range r.Unacknowledged() {
			ends[f.ID] = f
			ids = append(ids, f.ID)
		}
		for i := range crowds * each {
			id := octaskly.AttemptID{Job: octaskly.JobID(i/each + 1), Index: int64(i % each), Number: 1}
			_, ended := ends[id]
			_, told := r.finished[id]
			if ended == gone[id] || ended && !told {
				t.Errorf("attempt %v: end held %v, told %v, recalled or dropped %v", id, ended, told, gone[id])
			}
		}
		r.Release(ids)
		if _, held := r.Held(); len(held) > 0 {
			t.Errorf("held %+v after the release", held)
		}
		r.stop()
		if fmt.Sprint(r.free) != fmt.Sprint(cfg.Room) {
			t.Errorf("free is %v, want all %v", r.free, cfg.Room)
		}
		if files, _ := filepath.Glob(r.path("output/*")); len(files) > 0 {
			t.Errorf("outputs are left: %q", files)
		}
		if ends := loadEnds(t, r.path("ends.log")); len(ends) > 0 {
			t.Errorf("ends are left: %v", ends)
		}
	})
}

func loadEnds(t *testing.T, path string) []*record {
	j, ends, err := openJournal(path)
	check(t, err)
	check(t, j.close())
	return ends
}
