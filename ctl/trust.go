package main

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/security"
)

const maxAuthorities = 64 << 10

// authority is the one that is to be trusted, in PEM; empty: those of the system.
// before is that of an earlier login.
func (s *session) authority(c *cli.Context, where *url.URL, before string) (string, error) {
	byFile, byPrint := c.IsSet("ca"), c.IsSet("fingerprint")
	switch {
	case where.Scheme == "http" && (byFile || byPrint):
		return "", usagef("cannot use --ca or --fingerprint with http://, which has no certificates")
	case where.Scheme == "http":
		return "", nil
	case byFile && byPrint:
		return "", usagef("cannot use --ca and --fingerprint together")
	case byFile:
		return s.readAuthorities(c.String("ca"))
	case byPrint:
		return findAuthority(c.Context, where, c.String("fingerprint"))
	case before != "":
		return before, nil
	}
	return s.strangeAuthority(c.Context, where)
}

func (s *session) readAuthorities(path string) (string, error) {
	text, err := s.readSecret(path, maxAuthorities)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM([]byte(text)) {
		err = fmt.Errorf("%q has no certificate in PEM", path)
	}
	if err != nil {
		return "", badFlag("ca", err)
	}
	return text + "\n", nil
}

// findAuthority takes the certificate with a fingerprint from what a server shows.
func findAuthority(ctx context.Context, where *url.URL, want string) (string, error) {
	if err := checkFingerprint(want); err != nil {
		return "", badFlag("fingerprint", err)
	}
	chain, err := client.Presented(ctx, where)
	if err != nil {
		return "", err
	}
	for _, shown := range chain {
		if security.Fingerprint(shown) == want {
			return encoded(shown), nil
		}
	}
	top := chain[len(chain)-1]
	return "", withHint(
		&untrusted{fmt.Errorf("cannot trust the dispatcher at %v: nothing that it shows has the fingerprint %s", where, want)},
		"it shows %s; whoever runs it can tell whether that is right, or whether somebody is in between", security.Fingerprint(top))
}

func checkFingerprint(text string) error {
	hash, ok := strings.CutPrefix(text, "SHA256:")
	raw, err := base64.RawURLEncoding.DecodeString(hash)
	if !ok || err != nil || len(raw) != 32 {
		return fmt.Errorf("%.80q is no fingerprint: want SHA256: and 43 letters, digits, dashes and underscores", text)
	}
	if base64.RawURLEncoding.EncodeToString(raw) != hash { // 43 letters are two bits more than a hash
		return fmt.Errorf("%.80q is mistyped: no fingerprint ends in %q", text, hash[42:])
	}
	return nil
}

func encoded(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// strangeAuthority trusts whom the system trusts, or asks about the authority that
// the server shows.
func (s *session) strangeAuthority(ctx context.Context, where *url.URL) (string, error) {
	there := client.New(client.Options{Server: &client.Server{Context: client.Context{URL: where.String()}}})
	defer there.Close()
	distrust := there.Health(ctx)
	if !unknownAuthority(distrust) {
		return "", distrust
	}
	chain, err := client.Presented(ctx, where)
	if err != nil {
		return "", err
	}
	top := chain[len(chain)-1]
	if !top.IsCA {
		return "", withHint(distrust, "it shows no authority; name a file with its certificate by --ca FILE")
	}
	print := security.Fingerprint(top)
	if !s.onTerminal() {
		return "", withHint(&untrusted{fmt.Errorf("cannot trust the dispatcher at %v: nobody here knows its authority, %s", where, print)},
			"if its operator says that this is its fingerprint: octasklyctl login --fingerprint %s %v", print, where)
	}
	s.say(fmt.Sprintf("octasklyctl: nobody here knows the authority of %v; its fingerprint is %s\n", where, print))
	trusted, err := s.agrees("is that the one that its operator told you?")
	if err == nil && !trusted {
		s.note("nothing was kept")
		err = exits(exitDenied)
	}
	return encoded(top), err
}

// untrusted is a dispatcher that shows nothing to be known by.
type untrusted struct{ error }

func (e *untrusted) Unwrap() error { return e.error }

// distrusted reports whether it is by its certificate that a dispatcher cannot be
// talked to.
func distrusted(err error) bool {
	var here *untrusted
	return client.Distrusted(err) || errors.As(err, &here)
}

func unknownAuthority(err error) bool {
	var unknown x509.UnknownAuthorityError
	return errors.As(err, &unknown)
}
