package api

import (
	"bytes"
	"net/http"
	"sync"
	"time"
)

// keepAlivePause is how long a stream of events is silent at most: proxies close
// connections on which nothing moves, and a reader learns of one that is dead.
const keepAlivePause = 15 * time.Second

// keepAlive writes a comment into a stream of server-sent events whenever nothing
// else was written for keepAlivePause, from the first write on. Until end is called,
// and has waited for its goroutine, w may be written to as before.
func keepAlive(w *answer) (end func()) {
	a := &alive{
		ResponseWriter: w.ResponseWriter, controller: w.ResponseController,
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	w.ResponseWriter, w.ResponseController = a, http.NewResponseController(a)
	go a.run()
	return sync.OnceFunc(func() {
		close(a.stop)
		<-a.done
		w.ResponseWriter, w.ResponseController = a.ResponseWriter, a.controller
	})
}

// alive is an http.ResponseWriter that two may write to.
type alive struct {
	http.ResponseWriter
	controller *http.ResponseController
	stop, done chan struct{}

	mu    sync.Mutex
	wrote time.Time // zero: nothing yet
	whole bool      // no event is open
}

// Unwrap is for the controller.
func (a *alive) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *alive) WriteHeader(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ResponseWriter.WriteHeader(status)
}

func (a *alive) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.whole = bytes.HasSuffix(p, []byte("\n\n"))
	defer a.see() // it may have waited for its reader
	return a.ResponseWriter.Write(p)
}

// FlushError is for the controller, too. It begins the answer, if nothing else has.
func (a *alive) FlushError() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.wrote.IsZero() {
		a.whole = true
		a.see()
	}
	return a.controller.Flush()
}

func (a *alive) see() { a.wrote = time.Now() }

func (a *alive) run() {
	defer close(a.done)
	timer := time.NewTimer(keepAlivePause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			timer.Reset(a.beat())
		case <-a.stop:
			return
		}
	}
}

// beat says when to look again.
func (a *alive) beat() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if left := keepAlivePause - time.Since(a.wrote); left > 0 || a.wrote.IsZero() || !a.whole {
		return max(left, time.Second)
	}
	a.controller.SetWriteDeadline(time.Now().Add(readerPatience))
	if _, err := a.ResponseWriter.Write([]byte(": \n\n")); err == nil {
		a.controller.Flush()
	}
	a.see()
	return keepAlivePause
}
