package test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
	"github.com/octaskly/octaskly/test/cluster"
)

// hello opens a session with the dispatcher and says hello in it, as a worker of no
// slots would.
func hello(t *testing.T, c *cluster.Cluster, by transport.Protocol, cfg transport.Config, id, name string) (transport.Session, *protocol.Welcome, error) {
	t.Helper()
	link, err := transport.Dial(timeout(t), by, c.Address(), cfg)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { link.Close() })
	first := &protocol.Hello{Version: protocol.Version, Worker: octaskly.WorkerID(id), Name: name, Software: "test", Slots: 1}
	check(t, protocol.NewWriter(link.Control()).Write(&protocol.FromWorker{Hello: first}))
	link.Control().SetReadDeadline(time.Now().Add(patience))
	var answer protocol.ToWorker
	check(t, protocol.NewReader(link.Control()).Read(&answer))
	return link, answer.Welcome, nil
}

// A worker that has nothing but the key, as all had once, is taken without a certificate.
func TestKeyAlone(t *testing.T) {
	for _, by := range []transport.Protocol{transport.TCP, transport.QUIC} {
		c := dispatcherAlone(t)
		key, err := security.LoadKeyFile(filepath.Join(c.Dir, "dispatcher", "fleet.key"))
		check(t, err)
		link, welcome, err := hello(t, c, by, transport.Config{Key: key}, "0011223344556677", "old")
		check(t, err)
		if welcome == nil || welcome.Refused != "" || link.Identity() != nil {
			t.Errorf("by %s: %+v", by, welcome)
		}
		if _, err := transport.Dial(timeout(t), by, c.Address(), transport.Config{Key: security.GenerateKey()}); !errors.Is(err, transport.ErrWrongKey) {
			t.Errorf("by %s, another key: %v", by, err)
		}
	}
}

// A live session is where a certificate is renewed; the one before it stays good. With
// neither does anybody come in once the worker is removed.
func TestRenewedOnTheWire(t *testing.T) {
	c := dispatcherAlone(t)
	w := c.Worker("w1")
	start(t, w)
	check(t, w.Stop())
	held, err := joining.LoadIdentity(filepath.Join(c.Dir, "w1", "identity.pem"))
	check(t, err)
	who, err := security.VerifyWorker([]*x509.Certificate{held.Certificate}, []*x509.Certificate{held.Authority}, time.Now())
	check(t, err)
	link, _, err := hello(t, c, transport.TCP, configOf(held), who.ID, "w1")
	check(t, err)

	header, err := protocol.Marshal(&protocol.BulkHeader{Renew: true})
	check(t, err)
	bulk, err := link.OpenBulk(timeout(t), header)
	check(t, err)
	text, err := io.ReadAll(bulk)
	check(t, err)
	var answer protocol.Renewed
	check(t, protocol.Unmarshal(text, &answer))
	fresh, err := held.Renewed(answer.Certificate, answer.Authority, time.Now())
	check(t, err)
	if bytes.Equal(fresh.Certificate.Raw, held.Certificate.Raw) || !fresh.Certificate.NotAfter.After(held.Certificate.NotBefore.Add(29*24*time.Hour)) {
		t.Errorf("it is good until %v", fresh.Certificate.NotAfter)
	}
	for name, identity := range map[string]*joining.Identity{"renewed": fresh, "before": held} {
		if _, welcome, err := hello(t, c, transport.TCP, configOf(identity), who.ID, "w1"); err != nil || welcome == nil || welcome.Refused != "" {
			t.Errorf("%s: %+v, %v", name, welcome, err)
		}
		_, welcome, err := hello(t, c, transport.TCP, configOf(identity), "0011223344556677", "w1")
		if err != nil || welcome == nil || welcome.Refused == "" {
			t.Errorf("%s, as another worker: %+v, %v", name, welcome, err)
		}
	}
	must(t, c, "worker", "remove", "w1")
	for name, identity := range map[string]*joining.Identity{"renewed": fresh, "before": held} {
		if _, _, err := hello(t, c, transport.QUIC, configOf(identity), who.ID, "w1"); !errors.Is(err, transport.ErrRemoved) {
			t.Errorf("%s, removed: %v", name, err)
		}
	}
}

func configOf(i *joining.Identity) transport.Config {
	shown := i.TLS()
	return transport.Config{Credentials: &transport.Credentials{
		Certificate: func() (*tls.Certificate, error) { return &shown, nil },
		Roots:       func() []*x509.Certificate { return []*x509.Certificate{i.Authority} },
	}}
}
