package test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
	"github.com/octaskly/octaskly/test/cluster"
)

const joiningALPN = "octaskly-join/1"

// between is somebody on the network between a worker and its dispatcher. He has an authority of
// his own, ends TLS on both sides, and passes on what is said.
type between struct {
	net.Listener
	to string

	mu   sync.Mutex
	said [][]byte // by each worker
}

func newBetween(t *testing.T, to string) *between {
	t.Helper()
	authority, err := security.NewAuthority(time.Now())
	check(t, err)
	shown, err := authority.IssueDispatcher(time.Hour, time.Now())
	check(t, err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{shown}, MinVersion: tls.VersionTLS13, NextProtos: []string{joiningALPN},
	})
	check(t, err)
	b := &between{Listener: listener, to: to}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			passing.Go(func() { b.pass(conn) })
		}
	})
	t.Cleanup(func() { listener.Close(); passing.Wait() })
	return b
}

// toDispatcher is a connection on which a machine may join.
func toDispatcher(address string) (net.Conn, error) {
	return tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, NextProtos: []string{joiningALPN}})
}

func (b *between) pass(worker net.Conn) {
	defer worker.Close()
	dispatcher, err := toDispatcher(b.to)
	if err != nil {
		return
	}
	defer dispatcher.Close()
	var heard bytes.Buffer
	var both sync.WaitGroup
	both.Go(func() {
		io.Copy(io.MultiWriter(dispatcher, &heard), worker)
		dispatcher.Close()
	})
	both.Go(func() {
		io.Copy(worker, dispatcher)
		worker.Close()
	})
	both.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, heard.Bytes())
}

func (b *between) all() [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([][]byte(nil), b.said...)
}

// Whoever passes on what a worker and its dispatcher say gets nothing by it: what each of them
// signs and proves is good on its own connection only, there and then.
func TestBetween(t *testing.T) {
	c := dispatcherAlone(t)
	b := newBetween(t, c.Address())
	by := []string{"--dispatcher", b.Addr().String(), "--transport", "tcp"}
	for _, w := range []*cluster.Daemon{unkeyed(c, "w1", by...), c.Worker("w2", by...)} {
		check(t, w.Launch())
		awaitLog(t, w, "it has not signed this, on this connection")
		check(t, w.Stop())
		if strings.Contains(w.Logs(), "has joined") {
			t.Error("a worker has joined by him")
		}
	}

	awaitSuccess(t, func() bool { return len(b.all()) >= 2 })
	for _, said := range b.all() {
		conn, err := toDispatcher(c.Address())
		check(t, err)
		conn.SetDeadline(time.Now().Add(patience))
		_, err = conn.Write(said)
		check(t, err)
		check(t, conn.(*tls.Conn).CloseWrite())
		io.Copy(io.Discard, conn) // until he is refused, or reset
		conn.Close()
	}
	letIn := func() string {
		return strings.TrimSpace(must(t, c, "audit", "ls", "--what", "worker.join", "--outcome", "done", "-o", "quiet"))
	}
	if rows := letIn(); rows != "" {
		t.Errorf("somebody has been let in:\n%s", must(t, c, "audit", "ls", "--what", "worker.join"))
	}
	start(t, c.Worker("w2"))
	runs(t, c, "w2")
	if letIn() == "" {
		t.Error("the audit log does not say who is let in")
	}
}

// falseDispatcher is one that anybody may run, who waits for somebody to approve of its workers.
type falseDispatcher struct {
	joining.Desk
	waits chan *joining.Pending
}

func (f *falseDispatcher) Fleet() string                                       { return "default" }
func (f *falseDispatcher) Allowed(context.Context, *joining.Application) error { return nil }
func (f *falseDispatcher) Enter(_ context.Context, p *joining.Pending) error {
	f.waits <- p
	return nil
}
func (f *falseDispatcher) Await(ctx context.Context, _ *joining.Pending) error {
	<-ctx.Done()
	return nil
}

// Whoever plays the dispatcher for a worker, and the worker for the dispatcher, makes them show
// other codes than those that are taken.
func TestFalseDispatcher(t *testing.T) {
	c := dispatcherAlone(t)
	authority, err := security.NewAuthority(time.Now())
	check(t, err)
	shown, err := authority.IssueDispatcher(time.Hour, time.Now())
	check(t, err)
	desk := &falseDispatcher{waits: make(chan *joining.Pending, 8)}
	port, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	listener, err := transport.ListenTCP(port, transport.Config{
		Key: security.GenerateKey(),
		Authority: &transport.Authority{
			Roots:       func() []*x509.Certificate { return []*x509.Certificate{authority.Certificate()} },
			Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &shown, nil },
		},
		Join: func(ctx context.Context, j *transport.Joiner) error {
			bound, err := security.Exporter(j.State)
			if err != nil {
				return err
			}
			return joining.Answer(ctx, joining.Visit{Conn: j, Exporter: bound, Authority: authority.Certificate(), Address: j.Address}, desk)
		},
	})
	check(t, err)
	defer listener.Close()

	w := unkeyed(c, "w1", "--dispatcher", listener.Addr().String(), "--transport", "tcp")
	check(t, w.Launch())
	code := codeOf(t, w)
	wait := <-desk.waits
	var asking sync.WaitGroup
	ctx, cancel := context.WithCancel(timeout(t))
	asking.Go(func() {
		if asks(ctx, c, wait.Name) == nil {
			t.Error("he has joined in the place of the worker")
		}
	})
	awaitSuccess(t, func() bool { return strings.Contains(must(t, c, "worker", "pending"), "w1") })
	if r := c.Ctl(timeout(t), "worker", "approve", "w1", code); r.Code == 0 || !strings.Contains(r.Stderr, "another code") {
		t.Errorf("the code that the worker shows is answered with %d:\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	cancel()
	asking.Wait()
	check(t, w.Stop())
	if strings.Contains(w.Logs(), "has joined") {
		t.Error("the worker has joined")
	}
}

// asks asks to be approved, as a machine of this name.
func asks(ctx context.Context, c *cluster.Cluster, name string) error {
	identity, err := joining.NewIdentity()
	if err != nil {
		return err
	}
	j, err := transport.DialJoin(ctx, transport.TCP, c.Address(), transport.Config{})
	if err != nil {
		return err
	}
	defer j.Close()
	bound, err := security.Exporter(j.State)
	if err != nil {
		return err
	}
	_, err = joining.AskForApproval(ctx, joining.Door{Conn: j, Exporter: bound, Chain: chain(j.State)}, joining.Applicant{
		ID: octaskly.WorkerID(fmt.Sprintf("%016x", rand.Uint64())), Name: name, Software: "x", Key: identity.Key,
	}, func(joining.Code) {})
	return err
}

// Any number of machines that ask to be approved, or only hold a connection, keep nobody out who
// has the key.
func TestCrowdOfJoiners(t *testing.T) {
	c := dispatcherAlone(t)
	for range 200 {
		conn, err := toDispatcher(c.Address())
		if err == nil {
			defer conn.Close()
		}
	}
	before := rss(t, c.Dispatcher.PID())
	var asking sync.WaitGroup
	ctx := timeout(t)
	for range 300 {
		asking.Go(func() {
			if asks(ctx, c, "somebody") == nil {
				t.Error("somebody has joined")
			}
		})
	}
	start(t, c.Worker("w1"))
	runs(t, c, "w1")
	if n := strings.Count(must(t, c, "worker", "pending"), "somebody"); n > 4 { // of one host
		t.Errorf("%d wait", n)
	}
	if grown := rss(t, c.Dispatcher.PID()) - before; grown > 64<<20 {
		t.Errorf("its memory has grown by %d MiB", grown>>20)
	}
	check(t, c.Dispatcher.Stop())
	asking.Wait()
}

func chain(state tls.ConnectionState) (der [][]byte) {
	for _, certificate := range state.PeerCertificates {
		der = append(der, certificate.Raw)
	}
	return der
}
