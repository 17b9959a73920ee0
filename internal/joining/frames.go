package joining

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// frames sends and receives messages on a connection. One goroutine may send while
// another receives.
type frames struct{ conn Conn }

var longAgo = time.Unix(1, 0)

// send writes message as one frame within timeout.
func (f frames) send(ctx context.Context, timeout time.Duration, message any) error {
	body, err := encoding.Marshal(message)
	if err == nil && len(body) > MaxFrame {
		err = fmt.Errorf("%d bytes are more than %d", len(body), MaxFrame)
	}
	if err != nil {
		return fmt.Errorf("cannot send %T: %w", message, err)
	}
	frame := append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
	return within(ctx, timeout, f.conn.SetWriteDeadline, func() error {
		_, err := f.conn.Write(frame)
		return err
	})
}

// receive reads the next frame into message within timeout. The error is ErrForeign for
// bytes that are no frame of ours.
func (f frames) receive(ctx context.Context, timeout time.Duration, message any) error {
	return within(ctx, timeout, f.conn.SetReadDeadline, func() error { return readFrame(f.conn, message) })
}

func readFrame(r io.Reader, message any) error {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint16(head[:])
	if n == 0 || n > MaxFrame {
		return fmt.Errorf("%w: a frame of %d bytes", ErrForeign, n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if err := decoding.Unmarshal(body, message); err != nil {
		return fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return nil
}

// within runs io, which deadline is for, and makes it fail when timeout is over or ctx
// ends.
func within(ctx context.Context, timeout time.Duration, deadline func(time.Time) error, io func() error) error {
	if err := deadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		deadline(longAgo)
		close(interrupted)
	})
	err := io()
	if !stop() {
		<-interrupted
		if err != nil {
			return context.Cause(ctx)
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("nothing came or went for %v: %w", timeout, err)
	}
	return err
}
