package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func TestUnixBulkLimit(t *testing.T) {
	p, _, _ := pairUnix(t, UnixConfig{MaxBulks: 2})
	here, _, there := openBulk(t, p, nil)
	openBulk(t, p, nil)
	if _, err := p.worker.OpenBulk(t.Context(), nil); !errors.Is(err, ErrTooManyBulks) {
		t.Fatalf("the third: %v", err)
	}
	here.Close()
	there.Close()
	here.Close() // counts once only
	openBulk(t, p, nil)
	if _, err := p.worker.OpenBulk(t.Context(), nil); !errors.Is(err, ErrTooManyBulks) {
		t.Errorf("the next: %v", err)
	}
}

// TestUnixRelayLimit opens channels faster than the relay closes them: it takes
// one more only when there is room.
func TestUnixRelayLimit(t *testing.T) {
	p, executor, _ := pairUnix(t, UnixConfig{MaxBulks: 1})
	var taken []Channel
	for range defaultUnixBulks {
		here, _, there := openBulk(t, p, nil)
		here.Close()
		taken = append(taken, there)
	}
	if _, err := executor.OpenBulk(t.Context(), []byte("one more")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	accepting := make(chan error, 1)
	go func() {
		_, _, err := p.dispatcher.AcceptBulk(ctx)
		accepting <- err
	}()
	cancel()
	if err := wait(t, accepting); !errors.Is(err, context.Canceled) {
		t.Errorf("AcceptBulk without room: %v", err)
	}
	taken[0].Close()
	if header, _, err := p.dispatcher.AcceptBulk(deadline(t)); string(header) != "one more" || err != nil {
		t.Errorf("AcceptBulk with room: %q, %v", header, err)
	}
}

// TestUnixUnread opens channels that the relay never takes.
func TestUnixUnread(t *testing.T) {
	p, executor, _ := pairUnix(t, UnixConfig{MaxBulks: 100_000})
	header := bytes.Repeat([]byte("h"), MaxHeader)
	n := 0
	for err := error(nil); err == nil; n++ {
		if _, err = executor.OpenBulk(t.Context(), header); err != nil && !errors.Is(err, ErrTooManyBulks) {
			t.Fatal(err)
		}
	}
	t.Logf("%d channels wait", n-1)
	if _, _, err := p.dispatcher.AcceptBulk(deadline(t)); err != nil {
		t.Fatal(err)
	}
	openBulk(t, p, nil)
}

// TestUnixRelayGone opens a channel before the relay's end has been noticed.
func TestUnixRelayGone(t *testing.T) {
	_, executor, relay := pairUnix(t, UnixConfig{})
	relay.abort()
	if _, err := executor.OpenBulk(t.Context(), nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("OpenBulk: %v", err)
	}
	if len(executor.room) > 0 {
		t.Error("what was not opened counts")
	}
}

// TestUnixCarrierFirst wants a session to end with its control channel, although
// the carrier has ended before.
func TestUnixCarrierFirst(t *testing.T) {
	_, executor, relay := pairUnix(t, UnixConfig{})
	shutdown(executor.carrier)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, _, err := relay.AcceptBulk(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("AcceptBulk: %v", err)
	}
	failed := acceptError(relay)
	relay.Close()
	if err := wait(t, failed); !errors.Is(err, net.ErrClosed) {
		t.Errorf("AcceptBulk: %v", err)
	}
}

// TestUnixAcceptInterrupted interrupts the wait for a packet itself.
func TestUnixAcceptInterrupted(t *testing.T) {
	p, _, relay := pairUnix(t, UnixConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := relay.receive(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("receive: %v", err)
	}
	later, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if _, _, err := relay.AcceptBulk(later); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("AcceptBulk: %v", err)
	}
	openBulk(t, p, []byte("and with another context it works"))
}

// TestUnixAddLate ends the session while a channel is being opened.
func TestUnixAddLate(t *testing.T) {
	_, executor, _ := pairUnix(t, UnixConfig{})
	executor.Close()
	from, to := channels(t)
	if _, err := executor.add(from.conn); !errors.Is(err, net.ErrClosed) {
		t.Errorf("add: %v", err)
	}
	if _, err := to.Read(make([]byte, 1)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the channel is still open: %v", err)
	}
	to.conn.Close()
}

// TestUnixHeaderStays wants a header not to change with the next packet.
func TestUnixHeaderStays(t *testing.T) {
	p, _, _ := pairUnix(t, UnixConfig{})
	_, first, _ := openBulk(t, p, []byte("first"))
	openBulk(t, p, []byte("other"))
	if string(first) != "first" {
		t.Errorf("the first header is now %q", first)
	}
}
