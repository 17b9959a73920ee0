package dispatcher

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/internal/transport"
)

// list is a roster that keeps out whom it was told to.
type list struct {
	mu      sync.Mutex
	gone    map[octaskly.WorkerID]bool
	failing error
}

func (r *list) Judge(_ *transport.Identity, id octaskly.WorkerID, _ string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone[id] {
		return errors.Join(errors.New("this worker was removed"))
	}
	return nil
}

func (r *list) Remove(_ context.Context, gone octaskly.Removal, write func(*store.Roster) error) error {
	if r.failing != nil {
		return r.failing
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone == nil {
		r.gone = map[octaskly.WorkerID]bool{}
	}
	r.gone[gone.Worker] = true
	return write(&store.Roster{Removals: []octaskly.Removal{gone}})
}

func (r *list) Renew(context.Context, *transport.Identity) (certificate, authority *x509.Certificate, err error) {
	return nil, nil, errors.ErrUnsupported
}

// closing is a hand whose session says when it is closed.
func (l *live) closing(name string, features ...string) (h *hand, closed chan struct{}) {
	closed = make(chan struct{})
	h = &hand{l, &session{link: deadLink{}, close: sync.OnceFunc(func() { close(closed) }), wake: make(chan struct{}, 1)}}
	hello := &protocol.Hello{Version: 1, Worker: workerID(name), Name: name, Slots: 2, Features: append(features, levelNone)}
	l.inCore(func(c *core) {
		hello.Generation = c.store.Generation()
		c.join(h.s, hello)
	})
	return h, closed
}

// A worker that is connected is removed at once: its session ends once that is on disk,
// what it had runs elsewhere, and it stays out.
func TestRemoveConnected(t *testing.T) {
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { d.Roster = &list{} })
	h, closed := l.closing("w")
	_, err := l.submit(func(*api.Submission) {})
	l.check(err)
	first := h.task()
	page, err := l.d.RemoveWorker(t.Context(), api.Caller{Name: "me"}, "w")
	if err != nil || page.ID != string(workerID("w")) || page.State == "connected" {
		t.Fatalf("%+v, %v", page, err)
	}
	<-closed
	other := l.join("other", levelNone)
	if id := other.task(); id.Number != first.Number+1 {
		t.Errorf("%v runs after %v", id, first)
	}
	h.end(first, octaskly.End{State: octaskly.Completed}) // nobody listens
	h.leave(false)
	removals, err := l.d.store.(*store.Store).Removals(t.Context())
	if err != nil || len(removals) != 1 || removals[0].Worker != workerID("w") || removals[0].Name != "w" || removals[0].By != "me" {
		t.Errorf("%+v, %v", removals, err)
	}
	again, _ := l.closing("w")
	frames, last := again.s.take()
	if len(frames) != 1 || frames[0].Welcome == nil || !strings.Contains(frames[0].Welcome.Refused, "was removed") || !last {
		t.Errorf("it is answered %+v", frames)
	}
	if _, err := l.d.Worker(t.Context(), api.Caller{}, "w"); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("it is known: %v", err)
	}
}

// What must not run twice at the same time waits for the lease all the same; the
// worker is out of it at once.
func TestRemoveConnectedAlone(t *testing.T) {
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { d.Roster = &list{} })
	h, closed := l.closing("w", octaskly.AtMostOne)
	_, err := l.submit(func(s *api.Submission) { s.AtMostOne = true })
	l.check(err)
	first := h.task()
	_, err = l.submit(func(*api.Submission) {})
	l.check(err)
	h.task()
	page, err := l.d.RemoveWorker(t.Context(), api.Caller{Name: "me"}, "w")
	if err != nil || page.State != "away" || page.Running != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	<-closed
	other := l.join("other", levelNone, octaskly.AtMostOne)
	if id := other.task(); id.Job == first.Job {
		t.Fatal("it runs twice at the same time")
	}
	l.inCore(func(c *core) {
		w := c.workers[workerID("w")]
		if len(w.held) != 1 {
			t.Errorf("it has %d tasks", len(w.held))
		}
		w.leaseEnd = now()
		c.attend(now())
		if c.workers[workerID("w")] != nil {
			t.Error("it is known after its lease")
		}
	})
	if id := other.task(); id.Job != first.Job || id.Number != first.Number+1 {
		t.Errorf("%v runs after %v", id, first)
	}
}

// Where nothing could be written nothing has happened; and a name that two have, one of
// them connected, is asked about.
func TestRemoveRefused(t *testing.T) {
	r := &list{failing: octaskly.ErrUnavailable}
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { d.Roster = r })
	l.join("w", levelNone).leave(false)
	if _, err := l.d.RemoveWorker(t.Context(), api.Caller{}, "w"); !errors.Is(err, octaskly.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	l.joinAs(&protocol.Hello{Version: 1, Worker: workerID("other"), Name: "w", Slots: 2})
	for _, roster := range []Roster{r, nil} {
		l.d.Roster = roster
		if _, err := l.d.RemoveWorker(t.Context(), api.Caller{}, "w"); !errors.Is(err, octaskly.ErrConflict) || !strings.Contains(err.Error(), "type its id: "+string(workerID("w"))) {
			t.Errorf("%v", err)
		}
		if _, err := l.d.RemoveWorker(t.Context(), api.Caller{}, "x"); !errors.Is(err, octaskly.ErrNotFound) {
			t.Errorf("%v", err)
		}
	}
	page, err := l.d.RemoveWorker(t.Context(), api.Caller{}, string(workerID("other")))
	if err != nil || page.State == "connected" {
		t.Errorf("without a roster: %+v, %v", page, err)
	}
}
