package transport

import (
	"crypto/rand"
	mathrand "math/rand/v2"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// FuzzQUICDatagram sends what may not be QUIC to a listener, which must go on.
func FuzzQUICDatagram(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0xd0})
	f.Add(append([]byte{0xc0, 0xba, 0xba, 0xba, 0xba, 0, 0}, make([]byte, 1200)...))
	f.Add(append([]byte{0x40}, make([]byte, 60)...))
	cfg := Config{Key: security.GenerateKey(), OpeningTimeout: time.Second}
	l := listenQUIC(f, cfg)
	conn, err := net.Dial("udp", l.Addr().String())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { conn.Close() })
	worker, dispatcher := connectQUIC(f, l, l.Addr().String(), cfg)
	f.Fuzz(func(t *testing.T, b []byte) {
		conn.Write(b)
		transfer(t, worker.Control(), dispatcher.Control(), []byte("still here"))
	})
}

// TestQUICFlood wants packets of strangers to cost little memory, and sessions to
// go on and come in meanwhile.
func TestQUICFlood(t *testing.T) {
	cfg := Config{Key: security.GenerateKey(), OpeningTimeout: 5 * time.Second}
	l := listenQUIC(t, cfg)
	worker, dispatcher := connectQUIC(t, l, l.Addr().String(), cfg)
	conn, err := net.Dial("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	before := heap()
	for i := range 20_000 {
		conn.Write(stranger(i))
		if i%1000 == 0 {
			transfer(t, worker.Control(), dispatcher.Control(), []byte("still here"))
		}
	}
	l.mu.Lock()
	shaking := l.shaking.total
	l.mu.Unlock()
	if 4*shaking > l.cfg.MaxOpenings { // from then on, strangers are sent back
		t.Errorf("%d handshakes are on their way", shaking)
	}
	grown := int64(heap()) - int64(before)
	t.Logf("%d handshakes, %d KiB", shaking, grown>>10)
	if grown > 64<<20 {
		t.Errorf("it takes %d MiB", grown>>20)
	}
	another, err := DialQUIC(deadline(t), l.Addr().String(), cfg)
	if err != nil {
		t.Fatalf("under a flood: %v", err)
	}
	another.Close()
}

// stranger is a datagram of garbage, or the first of a handshake with an invented
// connection and nothing in it.
func stranger(i int) []byte {
	b := make([]byte, 1200)
	rand.Read(b)
	switch i % 3 {
	case 0:
		return b[:1+mathrand.N(len(b)-1)]
	case 1:
		b[0] = 0x40 | b[0]&0x3f
		return b
	}
	copy(b, []byte{0xc3, 0, 0, 0, 1, 8})   // Initial of version 1, 8 bytes of connection ID
	copy(b[14:], []byte{0, 0, 0x44, 0x9e}) // no source, no token, the rest of the packet
	return b
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
