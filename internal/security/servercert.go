package security

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

const maxNames = 64 // of a server

var dnsName = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

// IssueServer returns a certificate with a new key that exists only in memory, for
// a server with these host names and IP addresses. The authority's own certificate
// is in the chain, so that a client that has only its fingerprint finds it.
func (a *Authority) IssueServer(names []string, life time.Duration, now time.Time) (tls.Certificate, error) {
	certificate, err := a.issueServer(names, life, now)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot issue a server's certificate: %w", err)
	}
	return certificate, nil
}

func (a *Authority) issueServer(names []string, life time.Duration, now time.Time) (tls.Certificate, error) {
	template, err := a.serverTemplate(names, life, now)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

func (a *Authority) serverTemplate(names []string, life time.Duration, now time.Time) (*x509.Certificate, error) {
	until, err := a.until(life, now)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: "octaskly dispatcher"},
		NotBefore:             now.Add(-clockSlack),
		NotAfter:              until,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	return template, addNames(template, names)
}

// until is when a certificate of that life ends: not after its authority does.
func (a *Authority) until(life time.Duration, now time.Time) (time.Time, error) {
	until := now.Add(life)
	if until.After(a.certificate.NotAfter) {
		until = a.certificate.NotAfter
	}
	if !until.After(now) {
		return until, fmt.Errorf("it would end at %s, which is over", until.UTC().Format(time.RFC3339))
	}
	return until, nil
}

func addNames(template *x509.Certificate, names []string) error {
	if len(names) == 0 || len(names) > maxNames {
		return fmt.Errorf("it has %d names, want 1 to %d", len(names), maxNames)
	}
	for _, name := range names {
		if err := addName(template, name); err != nil {
			return err
		}
	}
	return nil
}

func addName(template *x509.Certificate, name string) error {
	if address, err := netip.ParseAddr(name); err == nil {
		if address.Zone() != "" {
			return fmt.Errorf("%q has a zone, which means nothing elsewhere", name)
		}
		ip := net.IP(address.Unmap().AsSlice())
		if !slices.ContainsFunc(template.IPAddresses, ip.Equal) {
			template.IPAddresses = append(template.IPAddresses, ip)
		}
		return nil
	}
	lower := strings.ToLower(name)
	if len(lower) > 253 || !dnsName.MatchString(lower) {
		return fmt.Errorf("%.80q is neither a host name nor an IP address", name)
	}
	if !slices.Contains(template.DNSNames, lower) {
		template.DNSNames = append(template.DNSNames, lower)
	}
	return nil
}
