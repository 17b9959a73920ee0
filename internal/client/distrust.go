package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Distrusted reports whether a server's certificate is the reason of an error.
func Distrusted(err error) bool {
	_, distrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return distrusted
}

// OutOfTime returns the certificate that is not valid at this machine's time, if
// that is the reason of an error.
func OutOfTime(err error) (*x509.Certificate, bool) {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	if !ok || invalid.Reason != x509.Expired || invalid.Cert == nil {
		return nil, false
	}
	return invalid.Cert, true
}

// OtherName returns the certificate that is for other names than the URL's, if
// that is the reason of an error.
func OtherName(err error) (*x509.Certificate, bool) {
	other, ok := errors.AsType[x509.HostnameError](err)
	return other.Certificate, ok
}

// distrust says why a certificate is not trusted.
func distrust(err error) string {
	if late, ok := OutOfTime(err); ok {
		if now := time.Now(); now.Before(late.NotBefore) {
			return fmt.Sprintf("its certificate begins at %s, and here it is %s", stamp(late.NotBefore), stamp(now))
		}
		return fmt.Sprintf("its certificate ended at %s", stamp(late.NotAfter))
	}
	if other, ok := OtherName(err); ok {
		return fmt.Sprintf("its certificate is for %.300s", strings.Join(names(other), ", "))
	}
	return err.Error()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func names(c *x509.Certificate) []string {
	all := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return []string{"nobody"}
	}
	return all
}

// Unspoken is how the URL of an error should begin instead: https:// where TLS is
// spoken and http:// was tried, or the other way round; "" for other errors.
func Unspoken(err error) string {
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case plain:
		return "http://"
	case errors.Is(err, errSpeaksTLS):
		return "https://"
	}
	return ""
}

var errSpeaksTLS = errors.New("it speaks TLS there")
