package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"
)

// pair is a new session, seen from both ends.
type pair struct {
	worker, dispatcher Session
	cut                func() // makes the network between them fail
}

// patience is how long a test waits for what should happen at once.
const patience = 10 * time.Second

// cutSilence ends a session over QUIC whose network is cut. A machine that stalls for
// two thirds of it may end one that is not.
const cutSilence = 3 * time.Second

// testConformance holds a transport to what Session and Channel promise. mk opens a
// session that lasts until a silence of that length; 0 is the usual one.
func testConformance(t *testing.T, mk func(t *testing.T, silence time.Duration) pair) {
	for name, test := range map[string]func(t *testing.T, p pair){
		"control goes both ways":             testControl,
		"peer":                               testPeer,
		"bulk goes both ways":                testBulk,
		"header":                             testHeader,
		"many bulks at once":                 testManyBulks,
		"close of a bulk is EOF":             testBulkEOF,
		"abort of a bulk is no EOF":          testAbort,
		"each side opens or accepts":         testSides,
		"read deadline":                      testReadDeadline,
		"context":                            testContext,
		"close":                              testClose,
		"close with a write on its way":      testCloseWriting,
		"a flood does not delay the control": testFlood,
	} {
		t.Run(name, func(t *testing.T) { test(t, mk(t, 0)) })
	}
	t.Run("cut", func(t *testing.T) { testCut(t, mk(t, cutSilence)) })
}

func testControl(t *testing.T, p pair) {
	transfer(t, p.worker.Control(), p.dispatcher.Control(), []byte("hello"))
	transfer(t, p.dispatcher.Control(), p.worker.Control(), []byte("welcome"))
	transfer(t, p.worker.Control(), p.dispatcher.Control(), bytes.Repeat([]byte("x"), 1<<20))
	transfer(t, p.dispatcher.Control(), p.worker.Control(), bytes.Repeat([]byte("y"), 1<<20))
}

// localPeer is what the two sides of a Unix socket are called.
var localPeer = regexp.MustCompile(`^(unix:/.+|pid [1-9][0-9]*)$`)

func testPeer(t *testing.T, p pair) {
	for _, s := range []Session{p.worker, p.dispatcher} {
		_, err := net.ResolveUDPAddr("udp", s.Peer())
		if err != nil && !localPeer.MatchString(s.Peer()) {
			t.Errorf("Peer() = %q: %v", s.Peer(), err)
		}
	}
}

func testBulk(t *testing.T, p pair) {
	here, header, there := openBulk(t, p, []byte("log 7"))
	if string(header) != "log 7" {
		t.Errorf("header %q", header)
	}
	transfer(t, here, there, bytes.Repeat([]byte("up"), 1<<20))
	transfer(t, there, here, bytes.Repeat([]byte("down"), 1<<20))
}

func testHeader(t *testing.T, p pair) {
	for _, n := range []int{0, 1, MaxHeader} {
		want := bytes.Repeat([]byte{'h'}, n)
		here, got, there := openBulk(t, p, want)
		if !bytes.Equal(got, want) {
			t.Errorf("a header of %d bytes arrived as one of %d", n, len(got))
		}
		transfer(t, here, there, []byte("data")) // and not a byte of it was taken for the header
	}
	if _, err := p.worker.OpenBulk(t.Context(), make([]byte, MaxHeader+1)); err == nil {
		t.Error("a header of more than MaxHeader bytes was accepted")
	}
}

func testManyBulks(t *testing.T, p pair) {
	const n = 40
	var sending sync.WaitGroup
	for i := range n {
		sending.Go(func() {
			b, err := p.worker.OpenBulk(t.Context(), []byte{byte(i)})
			if err != nil {
				t.Error(err)
				return
			}
			_, err = b.Write(bytes.Repeat([]byte{byte(i)}, 100_000))
			if err := errors.Join(err, b.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	seen := map[byte]bool{}
	for range n {
		header, b, err := p.dispatcher.AcceptBulk(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, bytes.Repeat(header, 100_000)) {
			t.Errorf("bulk %d: %d bytes, %v", header, len(got), err)
		}
		seen[header[0]] = true
		b.Close()
	}
	sending.Wait()
	if len(seen) != n {
		t.Errorf("%d channels of %d arrived", len(seen), n)
	}
}

func testBulkEOF(t *testing.T, p pair) {
	here, _, there := openBulk(t, p, nil)
	if _, err := here.Write([]byte("all")); err != nil {
		t.Fatal(err)
	}
	if err := here.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if got, err := io.ReadAll(there); string(got) != "all" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if err := there.Close(); err != nil && !isLost(err) {
		t.Errorf("Close at the other end: %v", err)
	}
	transfer(t, p.worker.Control(), p.dispatcher.Control(), []byte("the session goes on"))
}

func testAbort(t *testing.T, p pair) {
	here, _, there := openBulk(t, p, nil)
	transfer(t, here, there, []byte("the first half"))
	here.Abort()
	if got, err := io.ReadAll(there); err == nil {
		t.Errorf("read %q and no error", got)
	}
	transfer(t, p.worker.Control(), p.dispatcher.Control(), []byte("the session goes on"))
}

func testSides(t *testing.T, p pair) {
	if _, err := p.dispatcher.OpenBulk(t.Context(), nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("OpenBulk on the dispatcher's side: %v", err)
	}
	if _, _, err := p.worker.AcceptBulk(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("AcceptBulk on the worker's side: %v", err)
	}
}

func testReadDeadline(t *testing.T, p pair) {
	here, _, there := openBulk(t, p, nil)
	for _, ends := range [][2]Channel{{p.worker.Control(), p.dispatcher.Control()}, {there, here}} {
		reader, writer := ends[0], ends[1]
		reader.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := reader.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Read past its deadline: %v", err)
		}
		reader.SetReadDeadline(time.Time{})
		transfer(t, writer, reader, []byte("still here"))
	}
}

func testContext(t *testing.T, p pair) {
	ctx, cancel := context.WithCancel(t.Context())
	accepting := make(chan error, 1)
	go func() {
		_, _, err := p.dispatcher.AcceptBulk(ctx)
		accepting <- err
	}()
	cancel()
	if err := wait(t, accepting); !errors.Is(err, context.Canceled) {
		t.Errorf("AcceptBulk: %v", err)
	}
	if _, err := p.worker.OpenBulk(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("OpenBulk: %v", err)
	}
	openBulk(t, p, []byte("and with another context it works"))
}

func testClose(t *testing.T, p pair) {
	here, _, there := openBulk(t, p, nil)
	transfer(t, here, there, []byte("the first half"))
	failing := map[string]<-chan error{
		"control read here":  readError(p.worker.Control()),
		"control read there": readError(p.dispatcher.Control()),
		"bulk read here":     readError(here),
		"bulk read there":    readError(there),
		"AcceptBulk":         acceptError(p.dispatcher),
	}
	if err := p.worker.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := p.worker.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	wait(t, p.worker.Done())
	wait(t, p.dispatcher.Done())
	for what, failed := range failing {
		err := wait(t, failed)
		if err == nil || err == io.EOF && what != "control read there" {
			t.Errorf("%s: %v", what, err)
		}
		if what == "AcceptBulk" && !errors.Is(err, net.ErrClosed) {
			t.Errorf("AcceptBulk: %v", err)
		}
	}
	if _, err := p.worker.OpenBulk(t.Context(), nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("OpenBulk after Close: %v", err)
	}
	if _, err := p.worker.Control().Write([]byte("x")); err == nil {
		t.Error("Write after Close worked")
	}
}

func testCloseWriting(t *testing.T, p pair) {
	bulk, _, _ := openBulk(t, p, nil)
	saturate(t, bulk)
	failed := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		close(started)
		for {
			if _, err := p.worker.Control().Write(make([]byte, 1<<20)); err != nil {
				failed <- err
				return
			}
		}
	}()
	<-started
	closed := make(chan error, 1)
	go func() { closed <- p.worker.Control().Close() }()
	wait(t, closed)
	wait(t, failed)
	wait(t, p.worker.Done())
}

func testCut(t *testing.T, p pair) {
	here, _, there := openBulk(t, p, nil)
	transfer(t, here, there, []byte("the first half"))
	failing := []<-chan error{
		readError(p.worker.Control()), readError(p.dispatcher.Control()),
		readError(here), readError(there), acceptError(p.dispatcher),
	}
	p.cut()
	wait(t, p.worker.Done())
	wait(t, p.dispatcher.Done())
	for i, failed := range failing {
		if err := wait(t, failed); err == nil || err == io.EOF {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, err := p.worker.OpenBulk(t.Context(), nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("OpenBulk: %v", err)
	}
}

// testFlood wants control messages to go through as if nothing else was there,
// while bulk channels are full to the brim and nobody reads them.
func testFlood(t *testing.T, p pair) {
	for range 3 {
		bulk, _, _ := openBulk(t, p, nil)
		saturate(t, bulk)
	}
	const rounds = 200
	trips := make([]time.Duration, rounds)
	for i := range trips {
		begin := time.Now()
		transfer(t, p.worker.Control(), p.dispatcher.Control(), make([]byte, 200))
		transfer(t, p.dispatcher.Control(), p.worker.Control(), make([]byte, 200))
		trips[i] = time.Since(begin)
	}
	slices.Sort(trips)
	t.Logf("round trip: median %v, p99 %v, longest %v", trips[rounds/2], trips[rounds*99/100], trips[rounds-1])
	if median := trips[rounds/2]; median > 50*time.Millisecond {
		t.Errorf("the median round trip takes %v", median)
	}
}
