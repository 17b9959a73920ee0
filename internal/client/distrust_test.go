package client

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// shows serves a certificate for names that was made at that time, for an hour.
func shows(t *testing.T, at time.Time, names ...string) Context {
	authority, err := security.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.IssueServer(names, time.Hour, at)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	ca, _ := authority.PEM()
	return Context{URL: server.URL, CA: string(ca), Token: "t"}
}

// TestDistrust says what is wrong with a certificate.
func TestDistrust(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		context   Context
		want      string
		late, not bool // a hint can tell of the time, of the name
	}{
		{shows(t, now.Add(-48*time.Hour), "127.0.0.1"), "its certificate ended at " + now.UTC().Add(-47*time.Hour).Format("2006-01-02T15:"), true, false},
		{shows(t, now.AddDate(2, 0, 0), "127.0.0.1"), "its certificate begins at ", true, false},
		{shows(t, now, "octaskly.example", "10.0.0.7"), "its certificate is for octaskly.example, 10.0.0.7", false, true},
	} {
		_, err := New(Options{Server: &Server{Context: tt.context}}).Stats(t.Context())
		_, late := OutOfTime(err)
		_, not := OtherName(err)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot trust the dispatcher at "+tt.context.URL+": "+tt.want) || !Distrusted(err) || late != tt.late || not != tt.not {
			t.Errorf("%v, late %v, another name %v", err, late, not)
		}
	}
}

// TestUnspoken finds TLS where there should be none, and none where it should be.
func TestUnspoken(t *testing.T) {
	r, plain := newRemote(t, &fake{}), httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	other := func(url, from, to string) string { return strings.Replace(url, from, to, 1) }
	for url, want := range map[string]string{
		other(r.url, "https://", "http://"):     "https://",
		other(plain.URL, "http://", "https://"): "http://",
		nowhere(t):                              "",
	} {
		err := New(Options{Server: &Server{Context: Context{URL: url, Token: "t"}}}).Health(t.Context())
		if unreachable, ok := errors.AsType[*Unreachable](err); !ok || unreachable.URL != url || Unspoken(err) != want || strings.Contains(err.Error(), "handshake") {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}

func nowhere(t *testing.T) string {
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	return "https://" + ln.Addr().String()
}
