package announce

import (
	"os"
	"strings"
)

// host is this machine's name as others may have it.
func host() string {
	name, _ := os.Hostname()
	return clean(name)
}

func clean(name string) string {
	name = strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' {
			return c
		}
		return '-'
	}, name)
	name = strings.TrimSuffix(strings.Trim(name, ".-"), ".local")
	if name == "" || len(name) > maxHost || hasLongLabel(name) {
		return "octaskly"
	}
	return name
}

const (
	maxLabel = 63
	maxHost  = 200 // with .local behind
)

func hasLongLabel(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || len(part) > maxLabel {
			return true
		}
	}
	return false
}

// label is the part of a host's name that fits into an instance's with a port
// behind: one label of DNS.
func label(host string) string {
	first, _, _ := strings.Cut(host, ".")
	return strings.TrimRight(first[:min(len(first), maxLabel-len("-65535"))], "-")
}
