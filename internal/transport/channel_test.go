package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"
)

// saturate writes until nothing more goes in.
func saturate(t *testing.T, c Channel) {
	t.Helper()
	for written := 0; ; written += 1 << 16 {
		c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		_, err := c.Write(make([]byte, 1<<16))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil || written > 1<<28 {
			t.Fatalf("after %d bytes: %v", written, err)
		}
	}
}

// transfer sends data from one end and wants it at the other.
func transfer(t *testing.T, from, to Channel, data []byte) {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := from.Write(data)
		sent <- err
	}()
	got := make([]byte, len(data))
	to.SetReadDeadline(time.Now().Add(patience))
	_, err := io.ReadFull(to, got)
	to.SetReadDeadline(time.Time{})
	if err := errors.Join(err, <-sent); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Fatalf("%d bytes arrived changed", len(data))
	}
}

func openBulk(t *testing.T, p pair, header []byte) (here Channel, gotHeader []byte, there Channel) {
	t.Helper()
	here, err := p.worker.OpenBulk(t.Context(), header)
	if err != nil {
		t.Fatal(err)
	}
	gotHeader, there, err = p.dispatcher.AcceptBulk(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	return here, gotHeader, there
}

// readError gives the error with which a Read of c ends.
func readError(c Channel) <-chan error {
	failed := make(chan error, 1)
	go func() {
		n, err := c.Read(make([]byte, 1))
		if n > 0 {
			err = fmt.Errorf("it gave %d bytes and %w", n, err)
		}
		failed <- err
	}()
	return failed
}

func acceptError(s Session) <-chan error {
	failed := make(chan error, 1)
	go func() {
		_, _, err := s.AcceptBulk(context.Background())
		failed <- err
	}()
	return failed
}

func wait[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	return v
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
