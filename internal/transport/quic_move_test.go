package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/octaskly/octaskly/internal/security"
)

// TestQUICMove gives the worker another address while a bulk channel is full.
func TestQUICMove(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenQUIC(t, cfg)
	wire := newNetwork(t, l.Addr())
	var p pair
	p.worker, p.dispatcher = connectQUIC(t, l, wire.addr(), cfg)
	before := p.dispatcher.Peer()
	here, _, there := openBulk(t, p, nil)
	text := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	sent := make(chan error, 1)
	go func() {
		_, err := here.Write(text)
		sent <- errors.Join(err, here.Close())
	}()
	if _, err := io.ReadFull(there, make([]byte, 1<<16)); err != nil {
		t.Fatal(err)
	}
	wire.move(t)
	if got, err := io.ReadAll(there); err != nil || !bytes.Equal(got, text[1<<16:]) {
		t.Errorf("%d bytes of %d, %v", len(got), len(text)-1<<16, err)
	}
	if err := wait(t, sent); err != nil {
		t.Error(err)
	}
	wire.move(t) // and once more while nothing is on its way
	transfer(t, p.dispatcher.Control(), p.worker.Control(), []byte("where are you?"))
	transfer(t, p.worker.Control(), p.dispatcher.Control(), []byte("elsewhere"))
	if after := p.dispatcher.Peer(); after == before {
		t.Errorf("the dispatcher still sends to %s", after)
	}
}

// TestQUICRestart kills a dispatcher, and starts another on the same port.
func TestQUICRestart(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	first := listenQUIC(t, cfg)
	worker, _ := connectQUIC(t, first, first.Addr().String(), cfg)
	failed := readError(worker.Control())
	first.conn.Close() // nobody says goodbye on it any more
	conn, err := net.ListenUDP("udp4", first.Addr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	next, err := ListenQUIC(conn, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	begin := time.Now()
	wait(t, worker.Done())
	var reset *quic.StatelessResetError
	if err := wait(t, failed); !errors.As(err, &reset) {
		t.Errorf("Read: %v", err)
	}
	t.Logf("noticed after %v", time.Since(begin))
}

// TestQUICGoodbye wants the last bytes of a session to arrive.
func TestQUICGoodbye(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenQUIC(t, cfg)
	worker, dispatcher := connectQUIC(t, l, l.Addr().String(), cfg)
	text := bytes.Repeat([]byte("the last words\n"), 3000)
	heard := make(chan error, 1)
	go func() {
		got, err := io.ReadAll(dispatcher.Control())
		if err == nil && !bytes.Equal(got, text) {
			err = errors.New("they are others")
		}
		heard <- err
	}()
	if _, err := worker.Control().Write(text); err != nil {
		t.Fatal(err)
	}
	if err := worker.Close(); err != nil {
		t.Error(err)
	}
	if err := wait(t, heard); err != nil {
		t.Error(err)
	}
	why := context.Cause(worker.(*quicWorkerSession).conn.Context())
	if bye, ok := errors.AsType[*quic.ApplicationError](why); !ok || !bye.Remote || bye.ErrorCode != codeBye {
		t.Errorf("it ended by %v, and not by the peer's answer", why)
	}
}

// A worker that dies says nothing; its silence ends the session, and no other one.
func TestQUICSilence(t *testing.T) {
	t.Parallel()
	cfg := Config{Key: security.GenerateKey(), silence: 6 * time.Second}
	l := listenQUIC(t, cfg)
	worker, dispatcher := connectQUIC(t, l, l.Addr().String(), cfg)
	wire := newNetwork(t, l.Addr())
	dead, missed := connectQUIC(t, l, wire.addr(), cfg)
	wire.cut()
	select {
	case <-dispatcher.Done():
		t.Error("an idle session ends")
	case <-worker.Done():
		t.Error("an idle session ends at the worker")
	case <-time.After(cfg.silence * 3 / 2):
	}
	wait(t, missed.Done())
	wait(t, dead.Done())
}

func TestDialAuto(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	dial := func(addr net.Addr, key security.Key) (Session, error) {
		begin := time.Now()
		s, err := Dial(t.Context(), Auto, addr.String(), Config{Key: key, OpeningTimeout: patience})
		if took := time.Since(begin); took >= patience {
			t.Errorf("it takes %v", took)
		}
		if s != nil {
			t.Cleanup(func() { s.Close() })
		}
		return s, err
	}
	t.Run("TCP", func(t *testing.T) {
		l := listenTCP(t, listen(t), cfg)
		if s, err := dial(l.Addr(), cfg.Key); err != nil {
			t.Error(err)
		} else if _, ok := s.(*workerSession); !ok {
			t.Errorf("it is %T", s)
		}
		if _, err := dial(l.Addr(), security.GenerateKey()); !errors.Is(err, ErrWrongKey) {
			t.Errorf("with another key: %v", err)
		}
	})
	t.Run("nobody listens by TCP", func(t *testing.T) {
		l := listenQUIC(t, cfg)
		if s, err := dial(l.Addr(), cfg.Key); err != nil {
			t.Error(err)
		} else if _, ok := s.(*quicWorkerSession); !ok {
			t.Errorf("it is %T", s)
		}
	})
	t.Run("no answer by TCP", func(t *testing.T) {
		silent := deaf(t).(*net.TCPAddr)
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: silent.IP, Port: silent.Port})
		if err != nil {
			t.Fatal(err)
		}
		l, err := ListenQUIC(conn, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if s, err := dial(silent, cfg.Key); err != nil {
			t.Error(err)
		} else if _, ok := s.(*quicWorkerSession); !ok {
			t.Errorf("it is %T", s)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		ln := listen(t)
		ln.Close()
		if _, err := dial(ln.Addr(), cfg.Key); err == nil {
			t.Error("it works")
		} else {
			t.Log(err)
		}
	})
}

func TestBoth(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	byQUIC := listenQUIC(t, cfg)
	l := Both(listenTCP(t, listen(t), cfg), byQUIC)
	defer l.Close()
	for by, addr := range map[Protocol]string{TCP: l.Addr().String(), QUIC: byQUIC.Addr().String()} {
		worker, err := Dial(deadline(t), by, addr, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer worker.Close()
		dispatcher, err := l.Accept(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		transfer(t, worker.Control(), dispatcher.Control(), []byte(by))
	}
	byQUIC.conn.Close() // its end is not that of the other one
	worker, err := Dial(deadline(t), TCP, l.Addr().String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	if _, err := l.Accept(deadline(t)); err != nil {
		t.Error(err)
	}
	failed := readError(worker.Control())
	l.Close()
	if _, err := l.Accept(context.Background()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	wait(t, failed)
}
