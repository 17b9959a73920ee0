package main

import (
	"crypto/tls"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

const certificateLife = 90 * 24 * time.Hour

// ownCertificate is what this daemon shows by the fleet's authority. It is only in
// memory, and another one at two thirds of its life.
type ownCertificate struct {
	authority func() *security.Authority // that signs it
	issue     func(by *security.Authority, life time.Duration, now time.Time) (tls.Certificate, error)

	mu    sync.Mutex
	shown *tls.Certificate
	by    *security.Authority
	renew time.Time
}

// serverCertificate is shown to whoever calls the API, by any of names and of those by
// which this machine is reached.
func serverCertificate(authority func() *security.Authority, names []string) *ownCertificate {
	return &ownCertificate{authority: authority, issue: func(by *security.Authority, life time.Duration, now time.Time) (tls.Certificate, error) {
		return by.IssueServer(serverNames(names), life, now)
	}}
}

// dispatcherCertificate is shown to workers that know authority. Where that is a former one,
// the chain ends with the present one.
func dispatcherCertificate(authority, present *security.Authority) *ownCertificate {
	return &ownCertificate{authority: func() *security.Authority { return authority }, issue: func(by *security.Authority, life time.Duration, now time.Time) (tls.Certificate, error) {
		c, err := by.IssueDispatcher(life, now)
		if err == nil && by != present {
			c.Certificate = append(c.Certificate, present.Certificate().Raw)
		}
		return c, err
	}}
}

// get is for tls.Config.GetCertificate.
func (c *ownCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, by := time.Now(), c.authority()
	if c.shown != nil && c.by == by && now.Before(c.renew) {
		return c.shown, nil
	}
	fresh, err := c.issue(by, certificateLife, now)
	if err != nil {
		return nil, err
	}
	c.shown, c.by, c.renew = &fresh, by, now.Add(certificateLife*2/3)
	return c.shown, nil
}

// serverNames are those given, and those by which this machine is reached.
func serverNames(given []string) []string {
	names := append(slices.Clone(given), "localhost", "127.0.0.1", "::1")
	if host, err := os.Hostname(); err == nil {
		names = append(names, host)
	}
	addresses, _ := net.InterfaceAddrs() // a machine without any is reached by what was given
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			names = append(names, ip.IP.String())
		}
	}
	slices.Sort(names[len(given):])
	names = firstOfEach(names)
	return names[:min(len(names), maxServerNames)]
}

const maxServerNames = 64

// firstOfEach drops repetitions.
func firstOfEach(names []string) (unique []string) {
	for _, name := range names {
		if !slices.Contains(unique, name) {
			unique = append(unique, name)
		}
	}
	return unique
}
