package transport

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/quic-go/quic-go"
)

// ListenQUIC accepts sessions on conn, which from then on is the Listener's to
// close.
func ListenQUIC(conn *net.UDPConn, cfg Config) (Listener, error) {
	cfg, err := cfg.forListener()
	if err != nil {
		return nil, fmt.Errorf("cannot listen for workers by QUIC: %w", err)
	}
	l := &quicListener{
		conn:     conn,
		cfg:      cfg,
		accepted: make(chan *quicDispatcherSession),
		done:     make(chan struct{}),
		shaking:  handshakes{max: cfg.MaxOpenings, by: map[string]int{}},
		opening:  doorway{max: cfg.MaxOpenings},
		joiners:  newLobby(cfg),
		sessions: map[*quicDispatcherSession]bool{},
	}
	if err := l.listen(); err != nil {
		return nil, fmt.Errorf("cannot listen for workers by QUIC: %w", err)
	}
	l.tasks.Go(l.serve)
	return l, nil
}

type quicListener struct {
	conn      *net.UDPConn
	cfg       Config
	transport *quic.Transport
	ln        *quic.Listener
	refusals  refusals
	joiners   *lobby
	accepted  chan *quicDispatcherSession // to Accept
	done      chan struct{}               // closed by stop
	tasks     sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	shaking  handshakes
	opening  doorway // not authenticated, or not yet accepted
	sessions map[*quicDispatcherSession]bool
}

func (l *quicListener) listen() error {
	config, settings, err := serverQUIC(l.cfg)
	if err != nil {
		return err
	}
	l.cfg.tell(enlarge(l.conn))
	socket := &patient{UDPConn: l.conn}
	socket.isOn.Store(true)
	// The key outlives this process, so that a worker learns from the next one that
	// its session is over.
	reset := quic.StatelessResetKey(l.cfg.Key.Derive("octaskly quic stateless reset v1"))
	l.transport = &quic.Transport{
		Conn:                socket,
		ConnectionIDLength:  connectionIDs,
		StatelessResetKey:   &reset,
		VerifySourceAddress: func(net.Addr) bool { return l.isCrowded() },
		ConnContext:         l.knock,
	}
	l.ln, err = l.transport.Listen(config, settings)
	return err
}

func (l *quicListener) Addr() net.Addr { return l.conn.LocalAddr() }

func (l *quicListener) Accept(ctx context.Context) (Session, error) {
	return nextSession(ctx, l.accepted, l.done)
}

func (l *quicListener) Close() error {
	l.stop()
	l.tasks.Wait()
	l.transport.Close()
	return l.conn.Close()
}

// stop closes everything; each session says its goodbye in its own time.
func (l *quicListener) stop() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.closed = true
	close(l.done)
	waiting := slices.Clone(l.opening.waiting)
	for s := range l.sessions {
		l.tasks.Go(func() { s.Close() })
	}
	l.mu.Unlock()
	for _, e := range waiting {
		e.raw.Close()
	}
	l.joiners.close()
	l.ln.Close()
}

// serve takes connections in until the listener is closed, or its socket fails.
func (l *quicListener) serve() {
	for {
		conn, err := l.ln.Accept(context.Background())
		if err != nil {
			l.stop()
			return
		}
		if evicted := l.receive(conn); evicted != nil {
			evicted.Close()
			l.refused(evicted.RemoteAddr(), errCrowded)
		}
	}
}

// receive greets conn, and returns the connection that has lost its place to it.
func (l *quicListener) receive(conn *quic.Conn) (evicted entering) {
	k := &shaken{conn}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.tasks.Go(func() { k.Close() })
		return nil
	}
	evicted = l.opening.enter(k)
	l.tasks.Go(func() { l.greet(k) })
	return evicted
}

// shaken is a connection that has done its handshake.
type shaken struct{ *quic.Conn }

func (k *shaken) Close() error { return k.CloseWithError(codeRefused, "") }

// leave gives the place of k among the opening connections to others.
func (l *quicListener) leave(k *shaken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opening.leave(k)
}

func (l *quicListener) remember(s *quicDispatcherSession) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.sessions[s] = true
	return nil
}

func (l *quicListener) forget(s *quicDispatcherSession) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sessions, s)
}

func (l *quicListener) refused(addr net.Addr, why error) {
	select {
	case <-l.done: // so it was our doing
		return
	default:
	}
	why = explainQUIC(why)
	if l.cfg.Refused != nil && l.refusals.first(addr.String(), why) {
		l.cfg.Refused(addr.String(), why)
	}
}
