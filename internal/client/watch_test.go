package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func yields(states ...octaskly.State) func(context.Context, func(*api.Job) error) error {
	return func(_ context.Context, yield func(*api.Job) error) error {
		for _, s := range states {
			if err := yield(&api.Job{ID: "42", State: s}); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestWatch(t *testing.T) {
	d := newDaemon(t, &fake{watch: yields(octaskly.Queued, octaskly.Running, octaskly.Completed)})
	var seen []octaskly.State
	err := d.client(Options{}).Watch(t.Context(), element, func(job *api.Job) error {
		seen = append(seen, job.State)
		return nil
	})
	if err != nil || len(seen) != 3 || seen[2] != octaskly.Completed || d.fake.asked != "watch 42.7" {
		t.Errorf("saw %v, %v, asked %s", seen, err, d.fake.asked)
	}
}

// TestWatchStops returns the error of yield as it is, whatever it is.
func TestWatchStops(t *testing.T) {
	d := newDaemon(t, &fake{watch: yields(octaskly.Queued, octaskly.Running)})
	for _, stop := range []error{errors.New("enough"), ErrCut, octaskly.ErrUnavailable} {
		calls := 0
		err := d.client(Options{Notice: func(err error) { t.Errorf("noticed %v", err) }}).Watch(t.Context(), job, func(*api.Job) error { calls++; return stop })
		if err != stop || calls != 1 {
			t.Errorf("got %v after %d calls, want %v", err, calls, stop)
		}
	}
}

// TestWatchRestart stops the daemon under a watch and starts it again.
func TestWatchRestart(t *testing.T) {
	d := newDaemon(t, &fake{watch: func(ctx context.Context, yield func(*api.Job) error) error {
		err := yield(&api.Job{ID: "42", State: octaskly.Running})
		<-ctx.Done()
		return errors.Join(err, ctx.Err())
	}})
	var notices []error
	away := make(chan struct{})
	c := d.client(Options{Notice: func(err error) {
		if notices = append(notices, err); len(notices) == 1 {
			close(away)
		}
	}})
	running, watched := make(chan struct{}, 2), make(chan error, 1)
	var last atomic.Int64
	go func() {
		watched <- c.Watch(t.Context(), job, func(job *api.Job) error {
			last.Store(int64(job.State))
			running <- struct{}{}
			return nil
		})
	}()
	<-running
	d.stop()
	<-away
	d.fake.watch = yields(octaskly.Completed)
	d.start()
	if err := <-watched; err != nil || octaskly.State(last.Load()) != octaskly.Completed {
		t.Errorf("at the end: %v, %v", octaskly.State(last.Load()), err)
	}
	if len(notices) != 2 || !errors.Is(notices[0], ErrCut) || notices[1] != nil {
		t.Errorf("noticed %v", notices)
	}
}

// TestWatchPatience gives a daemon up that does not come back.
func TestWatchPatience(t *testing.T) {
	notices := 0
	c := New(Options{Socket: listenOnce(t), Patience: 30 * time.Millisecond, Notice: func(error) { notices++ }})
	defer c.Close()
	err := c.Watch(t.Context(), job, func(*api.Job) error { return nil })
	if _, ok := errors.AsType[*Unreachable](err); !ok || notices != 1 {
		t.Errorf("got %v after %d notices", err, notices)
	}
}

// listenOnce is the socket of a daemon that tells of a job once, and cuts when nobody
// can connect any more. A real one may cut while its socket is still there.
func listenOnce(t *testing.T) (socket string) {
	socket = filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"id":"42","state":"running"}`+"\n")
		http.NewResponseController(w).Flush()
		ln.Close()
		panic(http.ErrAbortHandler)
	})}
	var served sync.WaitGroup
	served.Go(func() { server.Serve(ln) })
	t.Cleanup(func() {
		server.Close()
		served.Wait()
	})
	return socket
}

// TestWatchAtOnce does not wait for a daemon that was never there, nor for a
// job that does not exist.
func TestWatchAtOnce(t *testing.T) {
	never := func(*api.Job) error { t.Error("yielded"); return nil }
	err := New(Options{Socket: t.TempDir() + "/none"}).Watch(t.Context(), job, never)
	if _, ok := errors.AsType[*Unreachable](err); !ok {
		t.Errorf("got %v", err)
	}
	d := newDaemon(t, &fake{err: octaskly.ErrNotFound})
	if err := d.client(Options{}).Watch(t.Context(), job, never); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestWatchCancelled(t *testing.T) {
	why := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(t.Context())
	d := newDaemon(t, &fake{watch: func(ctx context.Context, yield func(*api.Job) error) error {
		err := yield(&api.Job{ID: "42", State: octaskly.Running})
		<-ctx.Done()
		return err
	}})
	err := d.client(Options{}).Watch(ctx, job, func(*api.Job) error { cancel(why); return nil })
	if err != why {
		t.Errorf("got %v", err)
	}
	// While the daemon is away.
	ctx, cancel = context.WithCancelCause(t.Context())
	c := d.client(Options{Notice: func(error) { cancel(why) }})
	if err := c.Watch(ctx, job, func(*api.Job) error { go d.stop(); return nil }); err != why {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(why.Error(), "left") {
		t.Fatal(why)
	}
}
