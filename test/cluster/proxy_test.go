package cluster

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo is a server that says what it hears, until the test ends.
func echo(t *testing.T) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			io.Copy(conn, conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-ended })
	return ln.Addr().String()
}

func proxied(t *testing.T) (*Proxy, net.Conn) {
	t.Helper()
	p, err := NewProxy(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, dial(t, p)
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask says something and reads as much, within a time.
func ask(conn net.Conn, text string, within time.Duration) (string, error) {
	conn.SetReadDeadline(time.Now().Add(within))
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	answer := make([]byte, len(text))
	_, err := io.ReadFull(conn, answer)
	return string(answer), err
}

const soon = 5 * time.Second

func TestProxyCarries(t *testing.T) {
	_, conn := proxied(t)
	if got, err := ask(conn, "hello", soon); got != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	conn.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}

func TestProxyCuts(t *testing.T) {
	p, conn := proxied(t)
	if _, err := ask(conn, "hello", soon); err != nil {
		t.Fatal(err)
	}
	p.Cut()
	if _, err := ask(conn, "lost", soon); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection of before the cut: %v", err)
	}
	if conn, err := net.Dial("tcp", p.Address()); err == nil {
		if got, err := ask(conn, "lost", soon); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a connection in a cut: %q, %v", got, err)
		}
		conn.Close()
	}
	p.Heal()
	if got, err := ask(dial(t, p), "again", soon); got != "again" || err != nil {
		t.Errorf("healed: %q, %v", got, err)
	}
}

func TestProxyWeather(t *testing.T) {
	p, conn := proxied(t)
	const moment = 50 * time.Millisecond
	for _, w := range []Weather{{Mute: true}, {Deaf: true}} {
		p.Set(w)
		if got, err := ask(conn, "late", moment); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%+v: %q, %v", w, got, err)
		}
		p.Heal()
		answer := make([]byte, 4)
		conn.SetDeadline(time.Now().Add(soon))
		if _, err := io.ReadFull(conn, answer); string(answer) != "late" || err != nil {
			t.Errorf("healed of %+v: %q, %v", w, answer, err)
		}
	}
	p.Set(Weather{Delay: moment})
	began := time.Now()
	if got, err := ask(conn, "slow", soon); got != "slow" || err != nil || time.Since(began) < 2*moment {
		t.Errorf("%q, %v after %v", got, err, time.Since(began))
	}
	p.Set(Weather{Lossy: true})
	io.WriteString(conn, "lost")
	rest := make([]byte, 4)
	conn.SetDeadline(time.Now().Add(soon))
	if n, err := conn.Read(rest); string(rest[:n]) != "lo" || err != nil { // a byte less each way
		t.Errorf("%q, %v", rest[:n], err)
	}
}

func TestProxyStalls(t *testing.T) {
	p, conn := proxied(t)
	if _, err := ask(conn, "hello", soon); err != nil {
		t.Fatal(err)
	}
	p.Stall()
	if _, err := ask(conn, "late", 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("while it stalls: %v", err)
	}
	p.Heal()
	answer := make([]byte, 4)
	conn.SetDeadline(time.Now().Add(soon))
	if _, err := io.ReadFull(conn, answer); string(answer) != "late" || err != nil {
		t.Errorf("healed: %q, %v", answer, err)
	}
	p.Stall()
	if _, err := ask(conn, "lost", 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("while it stalls again: %v", err)
	}
	p.Cut()
	if _, err := ask(conn, "lost", soon); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("cut while it stalls: %v", err)
	}
}
