package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
)

// Door configures REST for other machines.
type Door struct {
	// HTTPListen is the HOST:PORT on which REST is served; without a host, on every
	// address. Default: none, and it is not.
	HTTPListen string `toml:"http_listen"`
	// HTTPPlain has http_listen without TLS, which must be a loopback address then.
	// Default: false.
	HTTPPlain bool `toml:"http_plain"`
	// TLSCert and TLSKey are PEM files of the certificate, with what is between
	// it and its authority, and of its key. They are read again when they change.
	// Default: none, and a dispatcher makes one by the fleet's own authority.
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`
}

// Access says which users of the machine have which role on the Unix socket: names,
// "@GROUP" or "*" for everybody. Of several roles, the first one counts.
type Access struct {
	// Admins may do everything. Default: root, and whoever runs the dispatcher
	// where it is no service of the system.
	Admins []string `toml:"admins"`
	// Dispatchers may change all tasks and workers. Default: none.
	Dispatchers []string `toml:"dispatchers"`
	// Clients have tasks of their own. Default: "*".
	Clients []string `toml:"clients"`
}

// Quotas bound what each user may have who has no quota of his own. 0 is no bound.
type Quotas struct {
	// Queued is how many tasks of a user may wait. Default: 0.
	Queued int64 `toml:"queued"`
	// Running is how many tasks of a user may be at workers. Default: 0.
	Running int64 `toml:"running"`
	// Submits is how many submissions a second a user may make in the long run.
	// Default: 0.
	Submits int64 `toml:"submits_per_second"`
}

// Rest bounds how much is asked over http_listen.
type Rest struct {
	// Requests is how many a second each token, and strangers at each address, may make in the
	// long run. Default: 100.
	Requests int64 `toml:"requests_per_second"`
	// Burst is how many they may make at once. Default: 200.
	Burst int64 `toml:"burst"`
}

var (
	errNoAuthority = errors.New("a worker has no certificate of its own: give tls_cert and tls_key, or, for this machine alone, http_plain and a loopback address such as 127.0.0.1:3001")
)

// checkWorker is for a door of who cannot make a certificate.
func (d *Door) checkWorker(l *loader) {
	d.check(l)
	if d.HTTPListen != "" && !d.HTTPPlain && d.TLSCert == "" {
		l.require("http_listen", errNoAuthority)
	}
}

// DefaultRest is how much may be asked where nobody says so.
func DefaultRest() Rest { return Rest{Requests: 100, Burst: 200} }

// DefaultAccess is who has which role where nobody says so.
func DefaultAccess() Access { return newAccess() }

func newAccess() Access {
	a := Access{Admins: []string{"root"}, Clients: []string{"*"}}
	systemService := strings.HasPrefix(os.Getenv("STATE_DIRECTORY"), "/var/lib/") // systemd.exec(5)
	if name := here.name(); name != "root" && !systemService {
		a.Admins = append(a.Admins, name)
	}
	return a
}

var (
	errHalfPair = errors.New("tls_cert and tls_key go together")
	errPlain    = errors.New("without TLS, REST is served on loopback addresses only, such as 127.0.0.1:3000")
)

func (d *Door) check(l *loader) {
	if d.HTTPListen != "" {
		l.require("http_listen", listenAddress(d.HTTPListen))
	}
	if d.HTTPPlain && !onLoopback(d.HTTPListen) {
		l.require("http_plain", errPlain)
	}
	l.optionalPath("tls_cert", &d.TLSCert)
	l.optionalPath("tls_key", &d.TLSKey)
	if (d.TLSCert == "") != (d.TLSKey == "") {
		l.require("tls_cert", errHalfPair)
	}
}

func (a *Access) check(l *loader) {
	l.require("access.admins", each(a.Admins, somebody))
	l.require("access.dispatchers", each(a.Dispatchers, somebody))
	l.require("access.clients", each(a.Clients, somebody))
}

// onLoopback wants an address and not a name: whoever answers for names could
// make anything of one.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip, parseErr := netip.ParseAddr(host)
	return err == nil && (host == "localhost" || parseErr == nil && ip.IsLoopback())
}

// each checks a list.
func each(texts []string, check func(string) error) error {
	if len(texts) > maxPaths {
		return fmt.Errorf("it has %d items, %d are allowed", len(texts), maxPaths)
	}
	for _, text := range texts {
		if err := check(text); err != nil {
			return err
		}
	}
	return nil
}

func hostName(text string) error {
	if _, err := netip.ParseAddr(text); err == nil {
		return nil
	}
	odd := func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.')
	}
	if text == "" || len(text) > 253 || strings.ContainsFunc(text, odd) {
		return fmt.Errorf("%.40q is neither a host's name nor an IP address", text)
	}
	return nil
}

func webOrigin(text string) error {
	scheme, host, ok := strings.Cut(text, "://")
	if !ok || scheme != "https" && scheme != "http" || host == "" || strings.ContainsAny(host, "/*?#@ ") || text != strings.ToLower(text) {
		return fmt.Errorf("%.80q is no origin; one is written as https://board.example or http://localhost:8080, in lower case", text)
	}
	return nil
}

// somebody is a user, @GROUP or *. Whether there is one is asked when he comes: a
// directory service may know more by then.
func somebody(text string) error {
	name := strings.TrimPrefix(text, "@")
	if name == "" || len(name) > 128 || strings.ContainsAny(name, " \t:,/@") {
		return fmt.Errorf(`%.40q is neither a user, nor a group as in "@staff", nor "*"`, text)
	}
	return nil
}
