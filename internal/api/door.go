package api

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// door is how a request has come in.
type door int

const (
	unixDoor  door = iota // a Unix socket
	tlsDoor               // HTTPS
	plainDoor             // HTTP on a loopback address
)

// foreign returns an error for requests of browsers, but those of pages that may.
// The Host of a Unix socket or of a loopback address is not ours where a name was
// rebound to this machine, and a page cannot leave out the other headers.
func (h *Handler) foreign(r *http.Request) error {
	d := connectionOf(r.Context()).door
	switch {
	case d == unixDoor && r.Host != Host:
		return fmt.Errorf("cannot serve host %.64q, only %s, as in http://%s/api/v1/tasks: %w", r.Host, Host, Host, octaskly.ErrDenied)
	case d == plainDoor && !loopback(r.Host):
		return fmt.Errorf("cannot serve host %.64q without TLS, only this machine as in http://localhost/: %w", r.Host, octaskly.ErrDenied)
	}
	if d != unixDoor && h.welcome(r) {
		return nil
	}
	for _, name := range []string{"Origin", "Referer", "Sec-Fetch-Site"} {
		if _, sent := r.Header[name]; sent {
			return fmt.Errorf("cannot serve a browser (header %s), but of pages in cors_origins over HTTPS: %w", name, octaskly.ErrDenied)
		}
	}
	return nil
}

// welcome reports whether a request comes from a page that may use the API.
func (h *Handler) welcome(r *http.Request) bool {
	origins := r.Header["Origin"]
	return len(origins) == 1 && origins[0] != "null" && slices.Contains(h.origins, origins[0])
}

// loopback reports whether a Host header names this machine whoever is asked:
// localhost of RFC 6761, or an address, with a port or without.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}
