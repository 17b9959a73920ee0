package test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/spool"
	"github.com/octaskly/octaskly/internal/transport"
	"github.com/octaskly/octaskly/internal/worker"
	"github.com/octaskly/octaskly/test/cluster"
)

// A thousand workers whose dispatcher is killed come back to the next one, each
// soon, but not all at once: it answers people all the while.
func TestHerd(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	h := newHerd(t, c)
	awaitConnected(t, c, herdSize)
	h.forget()

	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	ready := time.Now()
	slowest := awaitConnected(t, c, herdSize)
	back := time.Since(ready)
	total, most := h.tries()
	t.Logf("all are back %v after the dispatcher, by %.1f tries each, %d in 100 ms at most; meanwhile it answered within %v",
		back, float64(total)/herdSize, most, slowest)
	if total > 5*herdSize {
		t.Errorf("it took them %d tries", total)
	}
	if slowest > 10*time.Second {
		t.Errorf("people waited %v", slowest)
	}
}

// awaitConnected returns when so many workers are, and how long the slowest
// question took.
func awaitConnected(t *testing.T, c *cluster.Cluster, want int) (slowest time.Duration) {
	t.Helper()
	awaitSuccess(t, func() bool {
		began := time.Now()
		var fleet struct{ Workers []api.Worker }
		check(t, json.Unmarshal([]byte(must(t, c, "worker", "ls", "-o", "json")), &fleet))
		slowest = max(slowest, time.Since(began))
		connected := 0
		for _, w := range fleet.Workers {
			if w.State == "connected" {
				connected++
			}
		}
		return connected == want
	})
	return slowest
}

// herd is workers in this process, which have nothing to execute.
type herd struct {
	mu    sync.Mutex
	dials []time.Time
}

func newHerd(t *testing.T, c *cluster.Cluster) *herd {
	t.Helper()
	key, err := security.LoadKeyFile(filepath.Join(c.Dir, "dispatcher", "fleet.key"))
	check(t, err)
	h, address := &herd{}, c.Address()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	dir := t.TempDir()
	for i := range herdSize {
		home := filepath.Join(dir, fmt.Sprint(i))
		check(t, os.Mkdir(home, 0o700))
		w, err := worker.New(worker.Config{
			ID: octaskly.WorkerID(fmt.Sprintf("%016x", i+1)), Name: fmt.Sprint("w", i), Version: "1", Slots: 1,
			Dir: home, Executor: idle{}, Log: slog.New(slog.DiscardHandler), Status: func(string) {},
			Dial: func(ctx context.Context) (transport.Session, error) {
				h.dialed()
				return transport.DialTCP(ctx, address, transport.Config{Key: key})
			},
		})
		check(t, err)
		running.Go(func() { w.Run(ctx, func() {}) })
	}
	return h
}

func (h *herd) dialed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dials = append(h.dials, time.Now())
}

func (h *herd) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dials = nil
}

// tries are all, and those of the fullest 100 ms.
func (h *herd) tries() (total, most int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.SortFunc(h.dials, time.Time.Compare)
	from := 0
	for to := range h.dials {
		for h.dials[to].Sub(h.dials[from]) > 100*time.Millisecond {
			from++
		}
		most = max(most, to-from+1)
	}
	return len(h.dials), most
}

// idle is an executor without anything to do.
type idle struct{}

func (idle) Offer([]*executor.Attempt) error                         { return nil }
func (idle) Stop(octaskly.AttemptID, bool)                           {}
func (idle) Recall([]octaskly.AttemptID) []octaskly.AttemptID        { return nil }
func (idle) Signal(octaskly.AttemptID, int) error                    { return nil }
func (idle) Wake() <-chan struct{}                                   { return nil }
func (idle) Take() (s []protocol.Started, f []protocol.Finished)     { return nil, nil }
func (idle) Idle() bool                                              { return true }
func (idle) Held() (generation string, held []protocol.Held)         { return "", nil }
func (idle) Unacknowledged() []protocol.Finished                     { return nil }
func (idle) Output(octaskly.AttemptID) (log *spool.Log, isHere bool) { return nil, false }
func (idle) Release([]octaskly.AttemptID)                            {}
func (idle) Features() []string                                      { return nil }
func (idle) Checks() []octaskly.Check                                { return nil }
func (idle) Usage() []protocol.Usage                                 { return nil }
func (idle) Call(string)                                             {}
func (idle) Renew(executor.Moment, time.Duration)                    {}
