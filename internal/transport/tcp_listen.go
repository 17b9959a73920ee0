package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// ListenTCP accepts sessions on ln, which from then on is the Listener's to
// close.
func ListenTCP(ln net.Listener, cfg Config) (Listener, error) {
	cfg, err := cfg.forListener()
	if err != nil {
		return nil, fmt.Errorf("cannot listen for workers: %w", err)
	}
	config, err := serverTLS(cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for workers: %w", err)
	}
	l := &tcpListener{
		ln:       ln,
		cfg:      cfg,
		tls:      config,
		accepted: make(chan *dispatcherSession),
		done:     make(chan struct{}),
		opening:  doorway{max: cfg.MaxOpenings},
		joiners:  newLobby(cfg),
		sessions: map[sessionID]*dispatcherSession{},
	}
	l.tasks.Go(l.serve)
	return l, nil
}

type tcpListener struct {
	ln       net.Listener
	cfg      Config
	tls      *tls.Config
	refusals refusals
	joiners  *lobby
	accepted chan *dispatcherSession // to Accept
	done     chan struct{}           // closed by stop
	tasks    sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	opening  doorway // not authenticated, or not yet accepted
	sessions map[sessionID]*dispatcherSession
}

func (l *tcpListener) Addr() net.Addr { return l.ln.Addr() }

func (l *tcpListener) Accept(ctx context.Context) (Session, error) {
	return nextSession(ctx, l.accepted, l.done)
}

func (l *tcpListener) Close() error {
	err := l.stop()
	l.tasks.Wait()
	return err
}

// stop closes everything; each session says its goodbye in its own time.
func (l *tcpListener) stop() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	close(l.done)
	for _, e := range l.opening.waiting {
		e.raw.Close()
	}
	l.joiners.close()
	for _, s := range l.sessions {
		l.tasks.Go(func() { s.Close() })
	}
	return l.ln.Close()
}

// serve accepts connections until ln is closed. Other errors pass, such as
// EMFILE, so it tries again in a while.
func (l *tcpListener) serve() {
	for {
		raw, err := l.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			l.stop()
			return
		}
		if err != nil {
			l.refused(l.Addr(), fmt.Errorf("%w: %v", errAccept, err))
			select {
			case <-l.done:
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		if evicted := l.receive(raw); evicted != nil {
			evicted.Close()
			l.refused(evicted.RemoteAddr(), errCrowded)
		}
	}
}

// receive greets raw, and returns the connection that has lost its place to it.
func (l *tcpListener) receive(raw net.Conn) (evicted entering) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		raw.Close()
		return nil
	}
	evicted = l.opening.enter(raw)
	l.tasks.Go(func() { l.greet(raw) })
	return evicted
}

// leave gives the place of raw among the opening connections to others.
func (l *tcpListener) leave(raw net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opening.leave(raw)
}

func (l *tcpListener) refused(addr net.Addr, why error) {
	select {
	case <-l.done: // so it was our doing
		return
	default:
	}
	why = explain(why)
	if l.cfg.Refused != nil && l.refusals.first(addr.String(), why) {
		l.cfg.Refused(addr.String(), why)
	}
}
