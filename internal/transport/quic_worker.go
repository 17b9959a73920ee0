package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/quic-go/quic-go"
)

// quicWorkerSession is the end of a session that dials.
type quicWorkerSession struct {
	*quicLink
	cfg      Config
	wire     *wire
	id       sessionID
	exporter []byte
	gone     chan struct{} // closed when the socket is
}

// live keeps the session going until it ends, and then closes its socket.
func (s *quicWorkerSession) live() {
	defer close(s.gone)
	defer s.wire.close()
	ticker := time.NewTicker(s.cfg.pulses())
	defer ticker.Stop()
	for {
		select {
		case <-s.Done():
			return
		case <-ticker.C:
			s.conn.SendDatagram(pulse)
		}
	}
}

func (s *quicWorkerSession) Close() error {
	err := s.quicLink.Close()
	if s.hasEnded() { // else another Close is on its way
		<-s.gone
	}
	return err
}

func (s *quicWorkerSession) OpenBulk(ctx context.Context, header []byte) (Channel, error) {
	if len(header) > MaxHeader {
		return nil, fmt.Errorf("cannot open a bulk channel: a header of %d bytes is more than %d", len(header), MaxHeader)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.OpeningTimeout)
	defer cancel()
	b, err := s.openBulk(ctx, header)
	if err == nil {
		return b, nil
	}
	if s.hasEnded() || errors.Is(err, errNoSession) {
		err = fmt.Errorf("the session has ended: %w", net.ErrClosed)
	}
	return nil, fmt.Errorf("cannot open a bulk channel: %w", err)
}

func (s *quicWorkerSession) openBulk(ctx context.Context, header []byte) (*quicBulk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stream, err := s.conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	b, err := s.add(stream)
	if err != nil {
		giveBack(stream)
		return nil, err
	}
	err = within(ctx, stream, func() error {
		o := opening{kind: kindBulk, session: s.id, header: len(header)}
		if _, err := introduce(b, s.cfg.proofs(s.exporter), o); err != nil {
			return err
		}
		_, err := b.Write(header)
		return err
	})
	if err != nil {
		b.Abort()
		return nil, err
	}
	return b, nil
}

// giveBack returns a stream that never was a channel.
func giveBack(stream *quic.Stream) {
	stream.CancelWrite(codeRefused)
	stream.CancelRead(codeRefused)
}

func (s *quicWorkerSession) AcceptBulk(context.Context) ([]byte, Channel, error) {
	return nil, nil, fmt.Errorf("cannot accept a bulk channel on the worker's side: %w", errors.ErrUnsupported)
}
