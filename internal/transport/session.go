package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// MaxHeader bounds the header of a bulk channel, in bytes.
const MaxHeader = 4096

var (
	// ErrWrongKey says that the two machines have different fleet keys.
	ErrWrongKey = errors.New("the dispatcher has another fleet key; copy its key file to this machine")
	// ErrNotDispatcher says that somebody answered who is no dispatcher of
	// this fleet, or that somebody is listening in between.
	ErrNotDispatcher = errors.New("no octaskly dispatcher of this fleet answers there")
	// ErrVersion says that the two programs are too far apart in age.
	ErrVersion = errors.New("the dispatcher speaks another version of the protocol; install the same version on both machines")
	// ErrTooManyBulks says that a session has no room for a further bulk
	// channel until one is closed.
	ErrTooManyBulks = errors.New("too many bulk channels")
)

// Channel is one stream of bytes in each direction. One goroutine may read
// while another writes.
//
// What was written before Close arrives, and then the peer reads io.EOF, unless
// the network fails, or there was something left to read here when Close was
// called: then TCP resets. At any other end Read returns another error, never
// io.EOF. What Close returns after an io.EOF means nothing.
//
// A Write that its deadline cuts short makes the channel useless for further
// ones; a Read does not. Close waits five seconds at most for a peer that does
// not read.
type Channel interface {
	io.ReadWriteCloser
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
	// Abort closes at once. The peer reads an error and not io.EOF, so that it
	// does not take what it has for all there is.
	Abort()
}

// Session is a link between a worker and a dispatcher who have shown each other
// that they know the fleet key, or certificates of the fleet's authority; or between
// an executor, in the worker's place, and the relay before it.
type Session interface {
	// Control returns the channel that is there for as long as the session.
	// A Read or Write on it that fails, other than a Read by its deadline, ends
	// the session: keep a Read waiting to learn that the peer is gone.
	Control() Channel

	// OpenBulk opens a further channel, on the worker's side only. The
	// dispatcher gets it from AcceptBulk, with header of MaxHeader bytes at
	// most. It fails with ErrTooManyBulks, and with net.ErrClosed once the
	// session has ended.
	OpenBulk(ctx context.Context, header []byte) (Channel, error)

	// AcceptBulk waits for the worker to open a channel, on the dispatcher's
	// side only. It fails with net.ErrClosed once the session has ended.
	AcceptBulk(ctx context.Context) (header []byte, bulk Channel, err error)

	// Peer returns the other side's address.
	Peer() string

	// Identity returns who the worker is by its certificate, on both sides. It is nil
	// where there is none, but the fleet key.
	Identity() *Identity

	// Close ends the session and cuts its bulk channels off. It waits a second
	// at most for a peer that does not read.
	Close() error

	// Done is closed when the session has ended.
	Done() <-chan struct{}
}

// NameOf is what people call the protocol of a session: quic, or else tcp.
func NameOf(s Session) Protocol {
	if _, ok := s.(interface{ isQUIC() }); ok {
		return QUIC
	}
	return TCP
}

// Listener gives a dispatcher the sessions that workers open.
type Listener interface {
	// Accept waits for a session. It fails with net.ErrClosed after Close.
	// Authenticated workers wait for it in the places of unauthenticated ones,
	// so it should be called again without delay.
	Accept(ctx context.Context) (Session, error)
	Addr() net.Addr
	// Close ends the listener and every session that came from it, and waits
	// for all that it started.
	Close() error
}
