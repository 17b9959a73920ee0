package transport

import (
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/octaskly/octaskly/internal/security"
)

// BenchmarkBulk compares a bulk channel with crypto/tls alone.
func BenchmarkBulk(b *testing.B) {
	for name, mk := range map[string]func(b *testing.B) (from, to Channel){"octaskly": benchBulk, "tls": benchTLS} {
		b.Run(name, func(b *testing.B) {
			from, to := mk(b)
			received := make(chan error, 1)
			go func() {
				_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, to, make([]byte, 256<<10))
				received <- err
			}()
			chunk := make([]byte, 256<<10)
			b.SetBytes(int64(len(chunk)))
			for b.Loop() {
				if _, err := from.Write(chunk); err != nil {
					b.Fatal(err)
				}
			}
			from.Close()
			if err := <-received; err != nil {
				b.Fatal(err)
			}
			to.Close()
		})
	}
}

// BenchmarkPingPong sends 200 bytes there and back.
func BenchmarkPingPong(b *testing.B) {
	for name, mk := range map[string]func(b *testing.B) (from, to Channel){"octaskly": benchControl, "tls": benchTLS} {
		b.Run(name, func(b *testing.B) {
			from, to := mk(b)
			go echo(to)
			b.ReportAllocs()
			message := make([]byte, 200)
			for b.Loop() {
				if _, err := from.Write(message); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(from, message); err != nil {
					b.Fatal(err)
				}
			}
			from.Close()
		})
	}
}

func echo(c io.ReadWriteCloser) {
	buf := make([]byte, 200)
	for {
		if _, err := io.ReadFull(c, buf); err != nil {
			c.Close()
			return
		}
		c.Write(buf)
	}
}

func benchControl(b *testing.B) (from, to Channel) {
	worker, dispatcher := benchSession(b)
	return worker.Control(), dispatcher.Control()
}

func benchBulk(b *testing.B) (from, to Channel) {
	worker, dispatcher := benchSession(b)
	from, err := worker.OpenBulk(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	_, to, err = dispatcher.AcceptBulk(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return from, to
}

func benchSession(b *testing.B) (worker, dispatcher Session) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenTCP(b, listen(b), cfg)
	return connect(b, l, l.Addr().String(), cfg)
}

func benchTLS(b *testing.B) (from, to Channel) {
	config, err := serverTLS(Config{})
	if err != nil {
		b.Fatal(err)
	}
	ln := tls.NewListener(listen(b), config)
	accepted := make(chan Channel, 1)
	go func() {
		conn, err := ln.Accept()
		if err == nil {
			err = conn.(*tls.Conn).Handshake()
		}
		if err != nil {
			b.Error(err)
		}
		accepted <- bare{conn}
	}()
	client, err := tls.Dial("tcp", ln.Addr().String(), clientTLS(Config{}))
	if err != nil {
		b.Fatal(err)
	}
	return bare{client}, <-accepted
}

// bare is a connection without a session.
type bare struct{ net.Conn }

func (b bare) Abort() { b.Close() }

// BenchmarkOpen opens sessions, with the work of both ends.
func BenchmarkOpen(b *testing.B) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenTCP(b, listen(b), cfg)
	for b.Loop() {
		worker, err := DialTCP(b.Context(), l.Addr().String(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := l.Accept(b.Context()); err != nil {
			b.Fatal(err)
		}
		worker.Close()
	}
}

// BenchmarkIdleSession reports the memory of one session's both ends, each with
// a goroutine that reads its control channel.
func BenchmarkIdleSession(b *testing.B) {
	const sessions = 1000
	cfg := Config{Key: security.GenerateKey()}
	for b.Loop() {
		l := listenTCP(b, listen(b), cfg)
		before := inUse()
		ended := make(chan struct{})
		for range sessions {
			worker, dispatcher := connect(b, l, l.Addr().String(), cfg)
			for _, c := range []Channel{worker.Control(), dispatcher.Control()} {
				go func() {
					c.Read(make([]byte, 1))
					ended <- struct{}{}
				}()
			}
		}
		b.ReportMetric(float64(inUse()-before)/sessions, "B/session")
		l.Close()
		for range 2 * sessions {
			<-ended
		}
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
