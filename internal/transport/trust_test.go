package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"sync/atomic"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// fleet is an authority, and what its dispatcher listens with.
type fleet struct {
	*security.Authority
	cfg Config
}

func newFleet(t testing.TB) *fleet {
	t.Helper()
	a, err := security.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	shown, err := a.IssueDispatcher(time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{Authority: a, cfg: Config{Key: security.GenerateKey()}}
	f.cfg.Authority = &Authority{
		Roots:       f.roots,
		Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &shown, nil },
	}
	return f
}

func (f *fleet) roots() []*x509.Certificate { return []*x509.Certificate{f.Authority.Certificate()} }

// worker is what one dials with that has joined, by a key of its own.
func (f *fleet) worker(t testing.TB, id, name string) Config {
	t.Helper()
	return f.workerWith(t, newKey(t), id, name, time.Hour)
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (f *fleet) workerWith(t testing.TB, key *ecdsa.PrivateKey, id, name string, life time.Duration) Config {
	t.Helper()
	issued := time.Now()
	if life < 0 {
		issued, life = issued.Add(2*life), -life
	}
	leaf, err := f.IssueWorker(&key.PublicKey, id, name, life, issued)
	if err != nil {
		t.Fatal(err)
	}
	shown := &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	return Config{Credentials: &Credentials{Certificate: func() (*tls.Certificate, error) { return shown, nil }, Roots: f.roots}}
}

// way is a protocol of the network, for tests that hold for both.
type way struct {
	protocol Protocol
	listen   func(t testing.TB, cfg Config) Listener
}

var ways = map[string]way{
	"TCP":  {TCP, func(t testing.TB, cfg Config) Listener { return listenTCP(t, listen(t), cfg) }},
	"QUIC": {QUIC, func(t testing.TB, cfg Config) Listener { return listenQUIC(t, cfg) }},
}

// onBoth runs a test over TCP and over QUIC.
func onBoth(t *testing.T, test func(t *testing.T, w way)) {
	for name, w := range ways {
		t.Run(name, func(t *testing.T) { test(t, w) })
	}
}

func (w way) dial(t *testing.T, l Listener, cfg Config) (Session, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := Dial(ctx, w.protocol, l.Addr().String(), cfg)
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func (w way) connect(t *testing.T, l Listener, cfg Config) (worker, dispatcher Session) {
	t.Helper()
	worker, err := w.dial(t, l, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if dispatcher, err = l.Accept(deadline(t)); err != nil {
		t.Fatal(err)
	}
	return worker, dispatcher
}

func TestTCPByCertificate(t *testing.T) {
	testConformance(t, func(t *testing.T, _ time.Duration) pair {
		f := newFleet(t)
		l := listenTCP(t, listen(t), f.cfg)
		wire := newRelay(t, l.Addr().String())
		worker, dispatcher := connect(t, l, wire.addr(), f.worker(t, "w1", "one"))
		return pair{worker, dispatcher, wire.cut}
	})
}

func TestQUICByCertificate(t *testing.T) {
	testConformance(t, func(t *testing.T, silence time.Duration) pair {
		f := newFleet(t)
		f.cfg.silence = silence
		l := listenQUIC(t, f.cfg)
		wire := newNetwork(t, l.Addr())
		cfg := f.worker(t, "w1", "one")
		cfg.silence = silence
		worker, dispatcher := connectQUIC(t, l, wire.addr(), cfg)
		return pair{worker, dispatcher, wire.cut}
	})
}

func TestIdentity(t *testing.T) {
	onBoth(t, func(t *testing.T, w way) {
		f := newFleet(t)
		l := w.listen(t, f.cfg)
		worker, dispatcher := w.connect(t, l, f.worker(t, "0123", "one"))
		for side, s := range map[string]Session{"worker": worker, "dispatcher": dispatcher} {
			if who := s.Identity(); who == nil || who.ID != "0123" || who.Name != "one" || who.Certificate == nil {
				t.Errorf("%s: %+v", side, who)
			}
		}
		worker, dispatcher = w.connect(t, l, Config{Key: f.cfg.Key})
		if worker.Identity() != nil || dispatcher.Identity() != nil {
			t.Error("who has the key only has an identity")
		}
	})
}

// A bulk channel may show a newer certificate than its session, of the same worker.
func TestRenewedBulk(t *testing.T) {
	f := newFleet(t)
	l := listenTCP(t, listen(t), f.cfg)
	key := newKey(t)
	cfg := f.workerWith(t, key, "w1", "one", time.Hour)
	var shown atomic.Pointer[Credentials]
	shown.Store(cfg.Credentials)
	worker, dispatcher := connect(t, l, l.Addr().String(), Config{Credentials: &Credentials{
		Certificate: func() (*tls.Certificate, error) { return shown.Load().Certificate() }, Roots: f.roots,
	}})
	p := pair{worker, dispatcher, nil}
	shown.Store(f.workerWith(t, key, "w1", "one", 2*time.Hour).Credentials)
	openBulk(t, p, nil)
	shown.Store(f.worker(t, "w2", "two").Credentials)
	if _, err := worker.OpenBulk(deadline(t), nil); err == nil {
		t.Error("another worker has opened a bulk channel in a session that is not its own")
	}
}
