package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
)

func TestHints(t *testing.T) {
	distrust := func(why error) error {
		return &client.Unreachable{URL: "https://h:1", Err: &tls.CertificateVerificationError{Err: why}}
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{distrust(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}),
			"is this machine's clock right? if it is, the dispatcher's operator has to renew the certificate"},
		{distrust(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}), "use a name that it is for; http_names in dispatcher.toml adds names to it"},
		{distrust(x509.UnknownAuthorityError{}),
			"somebody may be in between; if its operator tells the fingerprint of a new authority: octasklyctl login --fingerprint SHA256:… https://h:1"},
		{&client.Unreachable{URL: "https://127.0.0.1:1", Err: tls.RecordHeaderError{}}, "try http://127.0.0.1:1"},
		{&client.Unreachable{URL: "https://h:1", Err: tls.RecordHeaderError{}}, "try the port that serves HTTPS, http_listen in dispatcher.toml"},
		{&client.Unauthorized{URL: "https://h", Err: errors.New("no")}, "octasklyctl login https://h"},
		{&client.Unauthorized{URL: "https://h", Token: true, Err: errors.New("no")},
			"octasklyctl token create makes another one, where somebody is logged in; then octasklyctl login --token-file FILE https://h"},
		{&client.Unkept{Doing: "write", Path: "p", Err: errors.New("no")}, "$XDG_CONFIG_HOME names another directory for it"},
		{&api.Error{Kind: "denied", Message: "ann is in none of the lists under [access] in the dispatcher's configuration: not permitted"},
			"have its operator add you under [access] in dispatcher.toml"},
		{&api.Error{Kind: "denied", Message: "task 42 is another user's: not permitted"}, "the owner of the job, or an admin, may do this"},
	} {
		if got := hintFor(fmt.Errorf("cannot do it: %w", tt.err)); got != tt.want {
			t.Errorf("%v\nhas %q\nnot %q", tt.err, got, tt.want)
		}
	}
}
