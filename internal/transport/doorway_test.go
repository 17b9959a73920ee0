package transport

import (
	"net"
	"testing"
)

// caller is a connection from a host.
type caller struct {
	net.Conn
	addr string
}

func (c *caller) RemoteAddr() net.Addr { return named(c.addr) }

type named string

func (n named) Network() string { return "tcp" }
func (n named) String() string  { return string(n) }

func TestDoorway(t *testing.T) {
	d := doorway{max: 4}
	from := func(addr string) *caller { return &caller{addr: addr} }
	a1, b1, a2, a3 := from("[2001:db8::a]:1"), from("192.0.2.2:1"), from("[2001:db8::a]:2"), from("[2001:db8::a]:3")
	for _, c := range []*caller{a1, b1, a2, a3} {
		if evicted := d.enter(c); evicted != nil {
			t.Fatalf("%v has lost its place", evicted.RemoteAddr())
		}
	}
	for i, want := range []*caller{a1, a2} {
		if evicted := d.enter(from("198.51.100.3:" + string(rune('1'+i)))); evicted != want {
			t.Fatalf("%v has lost its place, want %v", evicted.RemoteAddr(), want.addr)
		}
	}
	d.leave(a1)
	d.leave(b1)
	if evicted := d.enter(from("192.0.2.2:2")); evicted != nil {
		t.Errorf("%v has lost its place", evicted.RemoteAddr())
	}
	for range 10 * d.max {
		if evicted := d.enter(from("203.0.113.9:1")); evicted == nil || len(d.waiting) != d.max {
			t.Fatalf("%d are waiting", len(d.waiting))
		}
	}
	for _, e := range d.waiting {
		if e.host == "192.0.2.2" {
			return
		}
	}
	t.Error("a crowd of one host has put another one out")
}
