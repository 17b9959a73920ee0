package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/octaskly/octaskly/internal/security"
)

// greet authenticates a connection and hands it to Accept.
func (l *quicListener) greet(k *shaken) {
	defer l.leave(k)
	k.Context().Value(doneShaking{}).(func())()
	ctx, cancel := context.WithTimeout(k.Context(), l.cfg.OpeningTimeout)
	defer cancel()
	if err := l.admit(ctx, k); err != nil {
		k.Close()
		if !isOurRefusal(err) {
			l.refused(k.RemoteAddr(), err)
		}
	}
}

// isOurRefusal reports whether err is of a connection that this side has closed, which
// has said why by then. The connection's streams hear of it before its context does.
func isOurRefusal(err error) bool {
	return errors.Is(err, &quic.ApplicationError{ErrorCode: codeRefused})
}

func (l *quicListener) admit(ctx context.Context, k *shaken) error {
	stream, err := k.AcceptStream(ctx)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	s := &quicDispatcherSession{
		quicLink: newQUICLink(k.Conn, stream, l.cfg.MaxBulks),
		listener: l, incoming: make(chan incoming),
	}
	state := k.ConnectionState().TLS
	if state.NegotiatedProtocol == joining {
		return l.admitJoiner(k, s.quicLink, state)
	}
	if s.exporter, err = security.Exporter(state); err != nil {
		return err
	}
	if s.guest, err = l.cfg.guest(state, s.exporter); err != nil {
		return err
	}
	s.who = s.guest.who
	l.tasks.Go(s.acceptStreams)
	until, _ := ctx.Deadline()
	stream.SetDeadline(until)
	o, a, err := examine(stream, s.guest)
	if err == nil && o.kind != kindControl {
		err = errOpening
	}
	if err != nil {
		s.letHear()
		return err
	}
	return s.begin(a)
}

// letHear gives a peer that is refused time to learn why.
func (s *quicDispatcherSession) letHear() {
	s.control.finish()
	patience := time.NewTimer(goodbye)
	defer patience.Stop()
	select {
	case <-s.Done():
	case <-patience.C:
	}
}

func (s *quicDispatcherSession) begin(a answer) error {
	rand.Read(a.session[:]) // never fails, by its documentation
	s.id = a.session
	if err := s.listener.remember(s); err != nil {
		return err
	}
	context.AfterFunc(s.conn.Context(), func() { s.listener.forget(s) })
	s.admitted.Store(true)
	if _, err := s.control.Stream.Write(a.bytes(kindControl)); err != nil {
		return err
	}
	s.control.SetDeadline(time.Time{})
	select {
	case s.listener.accepted <- s:
	case <-s.Done():
	case <-s.listener.done:
	}
	return nil
}

// quicDispatcherSession is the end of a session that is dialed.
type quicDispatcherSession struct {
	*quicLink
	listener *quicListener
	id       sessionID
	exporter []byte
	guest    guest
	admitted atomic.Bool   // id is set
	incoming chan incoming // to AcceptBulk
}

// acceptStreams takes the streams of bulk channels in until the session ends. Who has
// not shown yet that he knows the key has no business with a second stream.
func (s *quicDispatcherSession) acceptStreams() {
	for {
		stream, err := s.conn.AcceptStream(context.Background())
		if err != nil {
			return
		}
		if !s.admitted.Load() {
			s.hangUp(codeRefused)
			s.listener.refused(s.conn.RemoteAddr(), errOpening)
			return
		}
		s.listener.tasks.Go(func() { s.greetBulk(stream) })
	}
}

func (s *quicDispatcherSession) greetBulk(stream *quic.Stream) {
	stream.SetDeadline(time.Now().Add(s.listener.cfg.OpeningTimeout))
	in, err := s.admitBulk(stream)
	if err != nil {
		if !s.hasEnded() {
			s.listener.refused(s.conn.RemoteAddr(), err)
		}
		return
	}
	stream.SetDeadline(time.Time{})
	select {
	case s.incoming <- in:
	case <-s.Done():
	}
}

func (s *quicDispatcherSession) admitBulk(stream *quic.Stream) (incoming, error) {
	o, a, err := examine(stream, s.guest)
	switch {
	case err != nil:
	case o.kind != kindBulk:
		err = errOpening
	case o.session != s.id:
		err = refuse(stream, statusNoSession, errStranger)
	}
	if err != nil {
		end(stream)
		return incoming{}, err
	}
	b, err := s.add(stream)
	if errors.Is(err, ErrTooManyBulks) {
		err = refuse(stream, statusBusy, errGreedy)
	}
	if err != nil {
		end(stream)
		return incoming{}, err
	}
	header := make([]byte, o.header)
	if err := exchange(b, a, header); err != nil {
		b.Abort()
		return incoming{}, err
	}
	return incoming{header, b}, nil
}

// end gives a stream back whose opening was refused; what was said arrives.
func end(stream *quic.Stream) {
	stream.Close()
	stream.CancelRead(codeRefused)
}

func (s *quicDispatcherSession) AcceptBulk(ctx context.Context) ([]byte, Channel, error) {
	return nextBulk(ctx, s.incoming, s.Done())
}

func (s *quicDispatcherSession) OpenBulk(context.Context, []byte) (Channel, error) {
	return nil, fmt.Errorf("cannot open a bulk channel on the dispatcher's side: %w", errors.ErrUnsupported)
}
