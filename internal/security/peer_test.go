package security

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const someWorker = "0123456789abcdef"

func newPeerKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func issueWorker(t *testing.T, a *Authority, life time.Duration) *x509.Certificate {
	t.Helper()
	c, err := a.IssueWorker(&newPeerKey(t).PublicKey, someWorker, "wörker 1", life, authorityStart)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestIssueWorker(t *testing.T) {
	a := newTestAuthority(t)
	c := issueWorker(t, a, 30*24*time.Hour)
	if c.IsCA || !slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}) || c.KeyUsage != x509.KeyUsageDigitalSignature || len(c.DNSNames)+len(c.IPAddresses) > 0 {
		t.Errorf("CA %v, usage %v %b, names %v", c.IsCA, c.ExtKeyUsage, c.KeyUsage, c.DNSNames)
	}
	if !c.NotBefore.Equal(authorityStart.Add(-clockSlack)) || !c.NotAfter.Equal(authorityStart.AddDate(0, 0, 30)) || c.SerialNumber.BitLen() < 121 || c.SerialNumber.BitLen() > 128 {
		t.Errorf("from %v to %v, serial %v", c.NotBefore, c.NotAfter, c.SerialNumber)
	}
	if again := issueWorker(t, a, time.Hour); again.SerialNumber.Cmp(c.SerialNumber) == 0 {
		t.Error("two have one serial number")
	}
	peer, err := VerifyWorker([]*x509.Certificate{c}, []*x509.Certificate{newTestAuthority(t).certificate, a.certificate}, authorityStart)
	if err != nil || peer.ID != someWorker || peer.Name != "wörker 1" || peer.Certificate != c {
		t.Errorf("%+v, %v", peer, err)
	}
}

func TestIssueWorkerRefuses(t *testing.T) {
	a, key := newTestAuthority(t), &newPeerKey(t).PublicKey
	wide, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	for what, test := range map[string]struct {
		key      *ecdsa.PublicKey
		id, name string
		life     time.Duration
	}{
		"no key":         {nil, someWorker, "w", time.Hour},
		"P-384":          {&wide.PublicKey, someWorker, "w", time.Hour},
		"no id":          {key, "", "w", time.Hour},
		"a long id":      {key, strings.Repeat("a", 65), "w", time.Hour},
		"an id with a /": {key, "a/b", "w", time.Hour},
		"no name":        {key, someWorker, "", time.Hour},
		"no life":        {key, someWorker, "w", 0},
	} {
		if c, err := a.IssueWorker(test.key, test.id, test.name, test.life, authorityStart); err == nil {
			t.Errorf("%s: %v", what, c.Subject)
		}
	}
}

// TestVerifyPeers shows each what is not his: only one thing is wrong at a time.
func TestVerifyPeers(t *testing.T) {
	a, other := newTestAuthority(t), newTestAuthority(t)
	dispatcher, err := a.IssueDispatcher(time.Hour, authorityStart)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := a.IssueServer([]string{"fleet.example"}, time.Hour, authorityStart)
	if err != nil {
		t.Fatal(err)
	}
	worker := issueWorker(t, a, time.Hour)
	forge := func(change func(*x509.Certificate)) *x509.Certificate {
		template := &x509.Certificate{
			SerialNumber: newSerial(), Subject: pkix.Name{CommonName: "w"}, NotBefore: authorityStart, NotAfter: authorityStart.Add(time.Hour), BasicConstraintsValid: true,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		change(template)
		der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, newPeerKey(t).Public(), a.key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	uri := func(opaque ...string) *x509.Certificate {
		return forge(func(c *x509.Certificate) {
			for _, o := range opaque {
				c.URIs = append(c.URIs, &url.URL{Scheme: "octaskly", Opaque: o})
			}
		})
	}
	now := authorityStart
	for what, test := range map[string]struct {
		leaf               *x509.Certificate
		trust              *Authority
		now                time.Time
		dispatcher, worker bool
	}{
		"a dispatcher":            {dispatcher.Leaf, a, now, true, false},
		"a worker":                {worker, a, now, false, true},
		"of another authority":    {dispatcher.Leaf, other, now, false, false},
		"a worker likewise":       {worker, other, now, false, false},
		"over":                    {dispatcher.Leaf, a, now.Add(time.Hour + time.Second), false, false},
		"a worker that is over":   {worker, a, now.Add(time.Hour + time.Second), false, false},
		"to come":                 {worker, a, now.Add(-clockSlack - time.Second), false, false},
		"a clock that is behind":  {worker, a, now.Add(-clockSlack + time.Second), false, true},
		"of REST":                 {rest.Leaf, a, now, false, false},
		"the authority":           {a.certificate, a, now, false, false},
		"nobody":                  {uri(), a, now, false, false},
		"one of both usages":      {uri("dispatcher"), a, now, true, false},
		"a worker of both usages": {uri("worker:x"), a, now, false, true},
		"both at once":            {uri("dispatcher", "worker:x"), a, now, false, false},
		"no id":                   {uri("worker:"), a, now, false, false},
		"a bad id":                {uri("worker:a/b"), a, now, false, false},
		"no name": {forge(func(c *x509.Certificate) {
			c.Subject.CommonName = ""
			c.URIs = []*url.URL{{Scheme: "octaskly", Opaque: "worker:x"}}
		}), a, now, false, false},
		"another scheme": {forge(func(c *x509.Certificate) { c.URIs = []*url.URL{{Scheme: "https", Opaque: "dispatcher"}} }), a, now, false, false},
	} {
		chain, trust := []*x509.Certificate{test.leaf, a.certificate}, []*x509.Certificate{test.trust.certificate}
		if err := VerifyDispatcher(chain, trust, test.now); (err == nil) != test.dispatcher {
			t.Errorf("%s, as a dispatcher: %v", what, err)
		}
		if peer, err := VerifyWorker(chain, trust, test.now); (err == nil) != test.worker {
			t.Errorf("%s, as a worker: %+v, %v", what, peer, err)
		}
	}
	if VerifyDispatcher(nil, []*x509.Certificate{a.certificate}, now) == nil || VerifyDispatcher([]*x509.Certificate{dispatcher.Leaf}, nil, now) == nil {
		t.Error("nothing, or by nobody, is accepted")
	}
}
