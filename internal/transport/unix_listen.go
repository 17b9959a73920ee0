package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// UnixConfig is what an executor's listener needs. Only Allowed is required.
type UnixConfig struct {
	// Allowed says whether a process of this user may open a session. If nil,
	// none may.
	Allowed func(uid uint32) bool

	// MaxBulks bounds the open bulk channels of a session. If zero, 256.
	MaxBulks int

	// Refused is told whom the listener refused and why, but not more than once
	// a minute for the same user and reason. If nil, nobody is told.
	Refused func(who string, why error)

	moment time.Duration // see vacant
}

const (
	errDisobeyed reason = "this executor obeys only root and its worker_user"
	errOccupied  reason = "another worker is connected"
)

// UnixListener gives an executor the sessions that relays open, one after
// another.
type UnixListener struct {
	ln       *net.UnixListener
	cfg      UnixConfig
	refusals refusals
	accepted chan *executorSession // to Accept; holds one, for serve to go on meanwhile
	done     chan struct{}         // closed by stop
	stop     func()
	serving  sync.WaitGroup
	current  *executorSession // the last one; serve's alone
}

// ListenUnix accepts sessions on ln, which stays the caller's: Close leaves it
// open. A program that is to re-execute itself closes the UnixListener and then
// keeps ln.File(): who dials in the meantime waits in the kernel's queue. Take
// care that ln.SetUnlinkOnClose(false) holds where the path is another's, as of
// systemd; it does for a listener from net.FileListener. The socket must not
// have SO_PASSCRED or SO_PASSSEC set: every read would look like a channel's end.
func ListenUnix(ln *net.UnixListener, cfg UnixConfig) *UnixListener {
	cfg.MaxBulks = cmp.Or(cfg.MaxBulks, defaultUnixBulks)
	cfg.moment = cmp.Or(cfg.moment, goodbye)
	l := &UnixListener{
		ln:       ln,
		cfg:      cfg,
		accepted: make(chan *executorSession, 1),
		done:     make(chan struct{}),
	}
	l.stop = sync.OnceFunc(func() {
		close(l.done)
		ln.SetDeadline(time.Unix(1, 0))
	})
	l.serving.Go(l.serve)
	return l
}

// Addr returns the address of the socket.
func (l *UnixListener) Addr() net.Addr { return l.ln.Addr() }

// Accept waits for the next session, which opens bulk channels. There is none
// while another one lasts. It fails with net.ErrClosed after Close, or when the
// socket has been closed.
func (l *UnixListener) Accept(ctx context.Context) (Session, error) {
	return nextSession(ctx, l.accepted, l.done)
}

// Close stops accepting, ends the session and waits for all that the listener
// started. It leaves the socket open.
func (l *UnixListener) Close() error {
	l.stop()
	l.serving.Wait()
	return nil
}

// serve accepts connections until stop. Other errors pass, such as EMFILE, so it
// tries again in a while.
func (l *UnixListener) serve() {
	defer l.finish()
	for {
		conn, err := l.ln.AcceptUnix()
		if err == nil {
			l.receive(conn)
			continue
		}
		if l.stopped() || errors.Is(err, net.ErrClosed) {
			return
		}
		l.refused(unix.Ucred{}, fmt.Errorf("%w: %w", errAccept, err))
		select {
		case <-l.done:
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (l *UnixListener) finish() {
	l.stop()
	if l.current != nil {
		l.current.Close()
	}
	l.ln.SetDeadline(time.Time{})
}

func (l *UnixListener) stopped() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *UnixListener) receive(conn *net.UnixConn) {
	who, err := credentials(conn)
	if err == nil {
		err = l.admit(conn, who)
	}
	if err != nil {
		conn.Close()
		l.refused(who, err)
	}
}

// admit never waits for who: a greeting has room in a new socket.
func (l *UnixListener) admit(conn *net.UnixConn, who unix.Ucred) error {
	if l.cfg.Allowed == nil || !l.cfg.Allowed(who.Uid) {
		return turnAway(conn, notAllowed, errDisobeyed)
	}
	if !l.vacant() {
		return turnAway(conn, busy, errOccupied)
	}
	carrier, err := greet(conn)
	if err != nil {
		return err
	}
	l.current = &executorSession{newUnixLink(conn, carrier, fmt.Sprintf("pid %d", who.Pid), l.cfg.MaxBulks)}
	select {
	case l.accepted <- l.current:
	case <-l.done:
	}
	return nil
}

// greet sends a welcome and returns our end of the carrier that goes with it.
func greet(conn *net.UnixConn) (carrier *net.UnixConn, err error) {
	carrier, there, err := socketPair(unix.SOCK_SEQPACKET)
	if err != nil {
		return nil, err
	}
	defer unix.Close(there)
	if _, _, err := conn.WriteMsgUnix(welcome.greeting(), unix.UnixRights(there), nil); err != nil {
		carrier.Close()
		return nil, err
	}
	carrier.CloseRead() // the relay has nothing to say there
	return carrier, nil
}

func turnAway(conn net.Conn, v verdict, why error) error {
	conn.Write(v.greeting()) // whether it arrives or not, it is refused
	return why
}

// vacant reports whether the last session is over. One whose peer is gone gets a
// moment, in which what the peer said last can be read.
func (l *UnixListener) vacant() bool {
	switch {
	case l.current == nil || l.current.life.Err() != nil:
		return true
	case !deserted(l.current.control.conn):
		return false
	}
	select {
	case <-l.accepted: // nobody got it, so nobody reads it
	case <-l.current.Done():
	case <-l.done:
	case <-time.After(l.cfg.moment):
	}
	l.current.abort()
	return true
}

func (l *UnixListener) refused(who unix.Ucred, why error) {
	if l.cfg.Refused == nil || l.stopped() {
		return
	}
	var known reason
	switch {
	case errors.As(why, &known):
	case isLost(why):
		why = errHungUp
	default:
		why = fmt.Errorf("%w: %w", errAccept, why)
	}
	user := fmt.Sprintf("user %d", who.Uid)
	if l.refusals.first(user, why) {
		l.cfg.Refused(fmt.Sprintf("pid %d of %s", who.Pid, user), why)
	}
}

// credentials returns who dialed: the process and user at that time, socket(7).
func credentials(conn *net.UnixConn) (unix.Ucred, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return unix.Ucred{}, err
	}
	var who *unix.Ucred
	var get error
	err = raw.Control(func(fd uintptr) {
		who, get = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, os.NewSyscallError("getsockopt", get)); err != nil {
		return unix.Ucred{}, err
	}
	return *who, nil
}

// deserted reports whether conn is closed at either end.
func deserted(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(poll, 0)
		gone = err == nil && n > 0 && poll[0].Revents&unix.POLLHUP != 0
	})
	return err != nil || gone
}
