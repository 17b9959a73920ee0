package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// TestUnixChannelCarries wants exactly what was written, whatever the sizes of
// writes and reads, and then io.EOF for as often as it is asked for.
func TestUnixChannelCarries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := channels(t)
		writes := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 0, 20).Draw(t, "writes")
		var want []byte
		for _, w := range writes {
			if n, err := from.Write(w); n != len(w) || err != nil {
				t.Fatalf("Write: %d, %v", n, err)
			}
			want = append(want, w...)
		}
		if err := from.hangUp(patience); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for err := error(nil); err != io.EOF; {
			p := make([]byte, rapid.IntRange(0, 700).Draw(t, "read"))
			var n int
			if n, err = to.Read(p); err != nil && err != io.EOF {
				t.Fatal(err)
			}
			got = append(got, p[:n]...)
		}
		if string(got) != string(want) {
			t.Fatalf("%d bytes became %d", len(want), len(got))
		}
		if n, err := to.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Fatalf("after the end: %d, %v", n, err)
		}
		to.conn.Close()
	})
}

func TestUnixChannelReader(t *testing.T) {
	from, to := channels(t)
	defer to.conn.Close()
	content := []byte("as io.Reader promises")
	if _, err := from.Write(content); err != nil {
		t.Fatal(err)
	}
	from.hangUp(patience)
	if err := iotest.TestReader(struct{ io.Reader }{to}, content); err != nil {
		t.Error(err)
	}
}

// channels returns two ends that belong to no session.
func channels(t interface{ Fatal(...any) }) (from, to *unixChannel) {
	here, fd, err := socketPair(unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	there, err := adopt(fd, unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	return &unixChannel{conn: here}, &unixChannel{conn: there}
}

// TestUnixChannelTorn wants a channel whose Write failed never to look complete.
func TestUnixChannelTorn(t *testing.T) {
	p, _, _ := pairUnix(t, UnixConfig{})
	here, _, there := openBulk(t, p, nil)
	saturate(t, here)
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, there)
		read <- err
	}()
	if err := here.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := wait(t, read); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %v, want an error", err)
	}
}

// TestUnixChannelCloseOfUnread closes an end that has not read everything: what
// it wrote itself arrives nevertheless.
func TestUnixChannelCloseOfUnread(t *testing.T) {
	p, _, _ := pairUnix(t, UnixConfig{})
	here, _, there := openBulk(t, p, nil)
	for _, c := range []Channel{here, there} {
		if _, err := c.Write([]byte("all")); err != nil {
			t.Fatal(err)
		}
	}
	if err := here.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(there); string(got) != "all" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := there.Write([]byte("more")); !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Write to a closed end: %v", err)
	}
}

// TestUnixChannelCloseWaits gives up on a peer that does not read.
func TestUnixChannelCloseWaits(t *testing.T) {
	from, to := channels(t)
	defer to.conn.Close()
	from.conn.SetWriteBuffer(1)
	fill(t, from.conn)
	if err := from.hangUp(20 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("hangUp: %v", err)
	}
	if _, err := io.Copy(io.Discard, to); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %v, want an error", err)
	}
}

// fill writes behind the channel's back until no byte goes in any more.
func fill(t *testing.T, conn net.Conn) {
	t.Helper()
	for _, n := range []int{1 << 16, 1} {
		for err := error(nil); err == nil; {
			conn.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
			_, err = conn.Write(make([]byte, n))
		}
	}
}
