package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/octaskly/octaskly/internal/transport"
)

const (
	serveWord  = "serve"
	bareSuffix = "-bare"
)

// idle opens sessions with a process of their own, by certificates, and returns the KB of its memory
// that each of them takes. That process has the dispatcher's end, with one goroutine
// that reads the control channel.
func idle(ctx context.Context, what string, sessions int) (float64, error) {
	dir, err := os.MkdirTemp("", "octaskly-links-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	f, err := makeFleet(dir)
	if err != nil {
		return 0, err
	}
	child := exec.CommandContext(ctx, os.Args[0], serveWord, what)
	child.Env = append(os.Environ(), "OCTASKLY_BENCH_FLEET="+dir)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := child.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := child.Start(); err != nil {
		return 0, err
	}
	defer child.Wait()
	defer in.Close()
	said := bufio.NewScanner(out)
	line := func() string { said.Scan(); return said.Text() }
	address := line()
	before, err := memory(in, line)
	if err != nil {
		return 0, err
	}
	for n := range sessions {
		end, err := f.openIdle(ctx, what, address, n)
		if err != nil {
			return 0, err
		}
		defer end()
	}
	after, err := memory(in, line)
	return (after - before) / float64(sessions), err
}

func memory(ask io.Writer, line func() string) (kb float64, err error) {
	if _, err := io.WriteString(ask, "\n"); err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(line(), &kb)
	return kb, err
}

func (f *fleet) openIdle(ctx context.Context, what, address string, n int) (end func(), err error) {
	switch what {
	case "TLS", "QUIC":
		by := map[string]transport.Protocol{"TLS": transport.TCP, "QUIC": transport.QUIC}[what]
		cfg, err := f.worker(n)
		if err != nil {
			return nil, err
		}
		s, err := transport.Dial(ctx, by, address, cfg)
		if err != nil {
			return nil, err
		}
		return s.Control().Abort, nil
	case "TLS" + bareSuffix:
		conn, err := tls.Dial("tcp", address, clientConfig())
		if err != nil {
			return nil, err
		}
		_, err = conn.Write([]byte{0})
		return func() { conn.Close() }, err
	default:
		conn, err := quic.DialAddr(ctx, address, clientConfig(), &quic.Config{KeepAlivePeriod: 10 * time.Second})
		if err != nil {
			return nil, err
		}
		stream, err := conn.OpenStreamSync(ctx)
		if err == nil {
			_, err = stream.Write([]byte{0})
		}
		return func() { conn.CloseWithError(0, "") }, err
	}
}

// serve is the process that has the other end. It says its address, and its memory
// for each line that it reads.
func serve(what string, in io.Reader, out io.Writer) error {
	f, err := loadFleet(os.Getenv("OCTASKLY_BENCH_FLEET"))
	if err != nil {
		return err
	}
	cfg, err := f.listener()
	if err != nil {
		return err
	}
	address, err := listenIdle(what, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, address)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		debug.FreeOSMemory()
		kb, err := rss()
		if err != nil {
			return err
		}
		fmt.Fprintln(out, kb)
	}
	return nil
}

func rss() (kb int, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	_, err = fmt.Sscan(after, &kb)
	return kb, err
}

// listenIdle reads from whoever comes in, in a goroutine each.
func listenIdle(what string, cfg transport.Config) (net.Addr, error) {
	switch what {
	case "TLS":
		return idleSessions(listenTCP(cfg))
	case "QUIC":
		return idleSessions(listenQUIC(cfg))
	}
	config, err := serverConfig()
	if err != nil {
		return nil, err
	}
	if what == "TLS"+bareSuffix {
		ln, err := tls.Listen("tcp", "127.0.0.1:0", config)
		if err != nil {
			return nil, err
		}
		go each(ln.Accept, func(conn net.Conn) { linger(conn) })
		return ln.Addr(), nil
	}
	ln, err := quic.ListenAddr("127.0.0.1:0", config, nil)
	if err != nil {
		return nil, err
	}
	accept := func() (*quic.Conn, error) { return ln.Accept(context.Background()) }
	go each(accept, func(conn *quic.Conn) {
		if stream, err := conn.AcceptStream(context.Background()); err == nil {
			linger(stream)
		}
	})
	return ln.Addr(), nil
}

func idleSessions(ln transport.Listener, err error) (net.Addr, error) {
	if err != nil {
		return nil, err
	}
	accept := func() (transport.Session, error) { return ln.Accept(context.Background()) }
	go each(accept, func(s transport.Session) { linger(s.Control()) })
	return ln.Addr(), nil
}

// each serves, in a goroutine each, whoever is accepted, until that fails.
func each[T any](accept func() (T, error), serve func(T)) {
	for {
		one, err := accept()
		if err != nil {
			return
		}
		go serve(one)
	}
}

// linger takes the byte that a client begins with, and waits for another one.
func linger(r io.Reader) {
	r.Read(make([]byte, 1))
	r.Read(make([]byte, 1))
}
