package transport

import (
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkUnixBulk compares a bulk channel with the socket alone.
func BenchmarkUnixBulk(b *testing.B) {
	b.Run("octaskly", func(b *testing.B) {
		executor, relay := benchUnix(b)
		from, err := executor.OpenBulk(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		_, to, err := relay.AcceptBulk(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		benchStream(b, from, to)
	})
	b.Run("socket", func(b *testing.B) {
		from, to := benchSockets(b)
		benchStream(b, from, to)
	})
}

func benchStream(b *testing.B, from, to io.ReadWriteCloser) {
	received := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{to}, make([]byte, 128<<10))
		received <- err
	}()
	chunk := make([]byte, 128<<10)
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
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
}

// BenchmarkUnixPingPong sends 200 bytes there and back.
func BenchmarkUnixPingPong(b *testing.B) {
	b.Run("octaskly", func(b *testing.B) {
		executor, relay := benchUnix(b)
		benchPingPong(b, relay.Control(), executor.Control())
	})
	b.Run("socket", func(b *testing.B) {
		from, to := benchSockets(b)
		benchPingPong(b, from, to)
	})
}

func benchPingPong(b *testing.B, from, to io.ReadWriteCloser) {
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
}

// BenchmarkUnixOpenBulk opens, accepts and closes channels, with the work of
// both ends.
func BenchmarkUnixOpenBulk(b *testing.B) {
	executor, relay := benchUnix(b)
	b.ReportAllocs()
	for b.Loop() {
		here, err := executor.OpenBulk(b.Context(), []byte("header"))
		if err != nil {
			b.Fatal(err)
		}
		here.Close()
		_, there, err := relay.AcceptBulk(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		there.Close()
	}
}

// BenchmarkUnixOpen opens sessions, with the work of both ends.
func BenchmarkUnixOpen(b *testing.B) {
	l, path := listenUnix(b, UnixConfig{})
	for b.Loop() {
		relay, err := DialUnix(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		executor, err := l.Accept(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		executor.Close()
		relay.Close()
	}
}

func benchUnix(b *testing.B) (*executorSession, *relaySession) {
	l, path := listenUnix(b, UnixConfig{})
	return connectUnix(b, l, path)
}

func benchSockets(b *testing.B) (from, to *net.UnixConn) {
	from, fd, err := socketPair(unix.SOCK_STREAM)
	if err != nil {
		b.Fatal(err)
	}
	to, err = adopt(fd, unix.SOCK_STREAM)
	if err != nil {
		b.Fatal(err)
	}
	return from, to
}
