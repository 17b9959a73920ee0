package config

import (
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/dirs"
)

func TestNearest(t *testing.T) {
	names := Keys(dirs.Dispatcher)
	for key, want := range map[string]string{
		"stat_dir": "state_dir", "statedir": "state_dir", "sockte": "socket", "sokcet": "socket",
		"limits.laese": "limits.lease", "max_output": "limits.max_output", "limit.lease": "limits.lease", "table.listen": "listen",
		"x": "", "": "", "priority": "", "limits": "", strings.Repeat("state_dir", 1000): "",
	} {
		if got := nearest(key, names); got != want {
			t.Errorf("%.40q: %q, want %q", key, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "xbc", 1}, {"abc", "ab", 1}, {"abc", "abxc", 1}, {"kitten", "sitting", 3}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
