package joining

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// fleet is a dispatcher as the protocol sees one, whose desk says yes to everything that
// no field forbids.
type fleet struct {
	t         testing.TB
	authority *security.Authority
	keys      []security.Key
	allowed   error
	entering  error
	issuing   error
	mistake   func(*Application) // in what is issued
	rejected  chan error
	waiting   chan *Pending

	mu      sync.Mutex
	redeems map[InviteID][32]byte
	issued  []*Application
	awaits  int // that have not returned
}

func newFleet(t testing.TB) *fleet {
	t.Helper()
	a, err := security.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return &fleet{
		t: t, authority: a, keys: []security.Key{security.GenerateKey()},
		rejected: make(chan error), waiting: make(chan *Pending, 8), redeems: map[InviteID][32]byte{},
	}
}

func (f *fleet) Fleet() string        { return "orchard" }
func (f *fleet) Keys() []security.Key { return f.keys }

func (f *fleet) Allowed(context.Context, *Application) error { return f.allowed }

func (f *fleet) Redeem(_ context.Context, id InviteID, a *Application) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if by, used := f.redeems[id]; used && by != a.KeyHash() {
		return errUsed
	}
	f.redeems[id] = a.KeyHash()
	return nil
}

func (f *fleet) Enter(_ context.Context, p *Pending) error {
	if f.entering == nil {
		f.mu.Lock()
		f.awaits++
		f.mu.Unlock()
		f.waiting <- p
	}
	return f.entering
}

func (f *fleet) Await(ctx context.Context, _ *Pending) error {
	defer func() {
		f.mu.Lock()
		f.awaits--
		f.mu.Unlock()
	}()
	select {
	case err := <-f.rejected:
		return err
	case <-ctx.Done():
		return nil
	}
}

func (f *fleet) Issue(_ context.Context, a *Application) (*x509.Certificate, error) {
	if f.issuing != nil {
		return nil, f.issuing
	}
	f.mu.Lock()
	f.issued = append(f.issued, a)
	f.mu.Unlock()
	if f.mistake != nil {
		wrong := *a
		f.mistake(&wrong)
		a = &wrong
	}
	return f.authority.IssueWorker(a.Key, string(a.ID), a.Name, time.Hour, time.Now())
}

func (f *fleet) issues() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.issued)
}

// connect does the TLS handshake of one connection, as package transport does.
func (f *fleet) connect() (Door, Visit) {
	f.t.Helper()
	certificate, err := f.authority.IssueDispatcher(time.Hour, time.Now())
	if err != nil {
		f.t.Fatal(err)
	}
	here, there := net.Pipe()
	server := tls.Server(there, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true})
	client := tls.Client(here, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	if err := errors.Join(client.Handshake(), <-done); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { here.Close(); there.Close() })
	state := client.ConnectionState()
	var chain [][]byte
	for _, c := range state.PeerCertificates {
		chain = append(chain, c.Raw)
	}
	door := Door{client, f.exporter(client), chain}
	return door, Visit{server, f.exporter(server), f.authority.Certificate(), "192.0.2.7:4711"}
}

func (f *fleet) exporter(conn *tls.Conn) []byte {
	f.t.Helper()
	e, err := security.Exporter(conn.ConnectionState())
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

func newApplicant(t testing.TB) Applicant {
	t.Helper()
	i, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return Applicant{ID: "0123456789abcdef", Name: "w1", Software: "1.0", Key: i.Key}
}

// outcome is how both ends of a connection have ended.
type outcome struct {
	identity *Identity
	asked    error
	answered error
}

// join has ask talk to f on a new connection, to its end.
func (f *fleet) join(ctx context.Context, ask func(Door) (*Identity, error)) (o outcome) {
	f.t.Helper()
	door, visit := f.connect()
	done := make(chan error, 1)
	go func() {
		done <- Answer(ctx, visit, f)
		visit.Conn.(*tls.Conn).Close()
	}()
	o.identity, o.asked = ask(door)
	go door.Conn.(*tls.Conn).Close()
	o.answered = <-done
	return o
}

// checkRefused wants both ends to know why, and no certificate.
func (f *fleet) checkRefused(what string, o outcome, answered error) {
	f.t.Helper()
	var refusal *Refusal
	if !errors.As(o.asked, &refusal) || !errors.Is(o.answered, answered) || o.identity != nil {
		f.t.Errorf("%s: the worker hears %v, the log %v", what, o.asked, o.answered)
	}
	if n := f.issues(); n != 0 {
		f.t.Errorf("%s: %d certificates", what, n)
	}
}

func (f *fleet) invite(terms InviteTerms) *Invite {
	f.t.Helper()
	i, err := NewInvite(f.keys[0], terms)
	if err != nil {
		f.t.Fatal(err)
	}
	return i
}

var errUsed = fmt.Errorf("%w: it was used", errGone)
