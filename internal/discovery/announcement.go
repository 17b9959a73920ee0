package discovery

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The services that dispatchers announce, without a domain.
const (
	TCP = "_octaskly._tcp"
	UDP = "_octaskly._udp"
)

// Announcement is what a dispatcher says of itself.
type Announcement struct {
	Host       string // for people
	Port       uint16 // where workers are awaited
	Addresses  []netip.Addr
	Fleet      string
	ID         string // 16 hex digits, the same for all who have the fleet's key
	Protocol   int    // version of messages
	Version    string // of the program
	Transports []string
	REST       uint16 // port of REST over HTTPS; 0: there is none
	Seal       string // hex digits, by the fleet's key
}

// Text is what a seal stands for: everything but the seal, so that whoever repeats
// it can change nothing. Zones are left out, they are each listener's own.
func (a *Announcement) Text() string {
	lines := append([]string{a.Host, strconv.Itoa(int(a.Port))}, a.txt()...)
	var addresses []string
	for _, addr := range a.Addresses {
		addresses = append(addresses, addr.WithZone("").String())
	}
	slices.Sort(addresses)
	return strings.Join(append(lines, slices.Compact(addresses)...), "\n")
}

// Bounds of what is heard.
const (
	maxName       = 64 // bytes of a fleet's name, as configuration has it
	maxHost       = 253
	maxVersion    = 64
	maxHex        = 64
	maxTransports = 4
	maxAddresses  = 16
)

func (a *Announcement) check() error {
	switch {
	case !isName(a.Host, maxHost):
		return fmt.Errorf("%.80q is no host", a.Host)
	case a.Port == 0:
		return fmt.Errorf("port 0 is none")
	case !isName(a.Fleet, maxName):
		return fmt.Errorf("fleet: %.80q is no name", a.Fleet)
	case !isHex(a.ID):
		return fmt.Errorf("id: %.80q is none", a.ID)
	case a.Seal != "" && !isHex(a.Seal):
		return fmt.Errorf("seal: %.80q is none", a.Seal)
	case a.Version != "" && !isVersion(a.Version):
		return fmt.Errorf("version: %.80q is none", a.Version)
	case len(a.Transports) > maxTransports || slices.ContainsFunc(a.Transports, func(t string) bool { return !isName(t, maxName) }):
		return fmt.Errorf("transports: %.80q are none", a.Transports)
	}
	return nil
}

func isName(text string, most int) bool {
	return text != "" && len(text) <= most && text[0] != '.' && text[0] != '-' && all(text, func(c byte) bool {
		return isLetter(c) || isDigit(c) || c == '.' || c == '_' || c == '-'
	})
}

func isVersion(text string) bool {
	return len(text) <= maxVersion && all(text, func(c byte) bool {
		return isLetter(c) || isDigit(c) || strings.IndexByte("._-+~", c) >= 0
	})
}

func isHex(text string) bool {
	return text != "" && len(text) <= maxHex && all(text, func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' })
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func all(text string, good func(byte) bool) bool {
	for i := range len(text) {
		if !good(text[i]) {
			return false
		}
	}
	return true
}
