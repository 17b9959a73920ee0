package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// joinTime bounds one machine's joining, an operator's time to approve it included.
const joinTime = 20 * time.Minute

// Joiner is a connection on which a machine asks for a certificate. Nobody is known on
// it yet: TLS keeps others out of it, and the server shows the certificate of a
// dispatcher, for which what is said has to vouch.
type Joiner struct {
	// Channel carries what is said, by the machine first.
	Channel
	// State is that of TLS. It has what binds words to this connection and, on the
	// machine's side, what the server has shown.
	State tls.ConnectionState
	// Address is the other side's.
	Address string
}

// lobby has the machines that join. They may wait there for an operator, and take no
// place in the doorway of those that only open a session.
type lobby struct {
	join func(context.Context, *Joiner) error
	life context.Context // of the listener
	end  context.CancelFunc

	mu     sync.Mutex
	places doorway
}

func newLobby(cfg Config) *lobby {
	l := &lobby{join: cfg.Join, places: doorway{max: cfg.MaxJoiners}}
	l.life, l.end = context.WithCancel(context.Background())
	return l
}

// joinee is a connection in the lobby.
type joinee struct {
	entering
	sendAway context.CancelFunc
}

func (j *joinee) Close() error {
	j.sendAway()
	return nil
}

// receive serves j, which raw is below, to its end, and says who has not joined, or has
// lost his place to j.
func (l *lobby) receive(raw entering, j *Joiner, refused func(net.Addr, error)) {
	ctx, cancel := context.WithTimeout(l.life, joinTime)
	defer cancel()
	it := &joinee{raw, cancel}
	if evicted := l.enter(it); evicted != nil {
		evicted.Close()
		refused(evicted.RemoteAddr(), errCrowdedOut)
	}
	defer l.leave(it)
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	err := l.join(ctx, j)
	if stop() {
		j.Close()
	}
	if err != nil && ctx.Err() == nil {
		refused(raw.RemoteAddr(), fmt.Errorf("%w: %w", errNotJoined, err))
	}
}

func (l *lobby) enter(it *joinee) (evicted entering) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.places.enter(it)
}

func (l *lobby) leave(it *joinee) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.places.leave(it)
}

// close sends everybody away, and who comes later at once.
func (l *lobby) close() { l.end() }
