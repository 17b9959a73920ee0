package client

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

const maxURL = 2048

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?$`)

// ParseURL reads where a dispatcher is reached: https://HOST[:PORT] and nothing
// else. Tokens go in the clear over http://, which is for loopback only.
func ParseURL(text string) (*url.URL, error) {
	if err := checkURL(text); err != nil {
		return nil, fmt.Errorf("cannot use URL %.200q: %w", text, err)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("cannot use URL %.200q: %w", text, err)
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
}

func checkURL(text string) error {
	if len(text) > maxURL {
		return fmt.Errorf("it has more than %d bytes", maxURL)
	}
	if !strings.Contains(text, "://") {
		return errors.New("want https://HOST[:PORT]")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		var parse *url.Error
		if errors.As(err, &parse) {
			return parse.Err
		}
		return err
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("want https://HOST[:PORT]")
	case u.User != nil:
		return errors.New("a user or password does not belong there; octasklyctl login asks for them")
	case u.Opaque != "" || u.Path != "" && u.Path != "/":
		return errors.New("the API of a dispatcher is below no path; want https://HOST[:PORT]")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		return errors.New("nothing may follow the host and its port")
	}
	return checkHost(u)
}

func checkHost(u *url.URL) error {
	name := u.Hostname()
	address, err := netip.ParseAddr(name)
	if err != nil && (len(name) > 253 || !hostName.MatchString(name)) {
		return fmt.Errorf("%.80q is no name or address of a host", name)
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("%.20q is no port", port)
		}
	}
	local := address.IsLoopback() || strings.EqualFold(name, "localhost")
	if u.Scheme == "http" && !local {
		return errors.New("over http:// everybody on the way could read the token, so it is for this machine only; want https://")
	}
	return nil
}

// hostPort is what to dial.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	port := "443"
	if u.Scheme == "http" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
