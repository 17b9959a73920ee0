package row

import (
	"strings"
	"testing"
)

const table = `# what it is
== a fork bomb
with --processes 10
try b() { b | b & }
	b
want timeout processes processes processes

==! mount
setup true
argv mount -t tmpfs x /tmp
after test -e /x
want - - EPERM,exit:1 EPERM*
`

func TestParse(t *testing.T) {
	rows, err := Parse(table)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	a, b := rows[0], rows[1]
	if a.Name != "a fork bomb" || a.Boxed || a.With != "--processes 10" || a.Try != "b() { b | b & }\nb" || a.Want[3] != "processes" || !a.Tried(0) {
		t.Errorf("%+v", a)
	}
	if b.Name != "mount" || !b.Boxed || b.Setup != "true" || b.Argv != "mount -t tmpfs x /tmp" || b.After != "test -e /x" || b.Tried(1) || !b.Tried(2) {
		t.Errorf("%+v", b)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, change := range map[string][2]string{
		"twice":           {"== a fork bomb", "==! mount"},
		"nameless":        {"== a fork bomb", "=="},
		"no outcome":      {"want timeout processes processes processes", ""},
		"three outcomes":  {"want timeout processes", "want processes"},
		"nothing to try":  {"argv mount -t tmpfs x /tmp", ""},
		"both":            {"setup true", "try true"},
		"unknown word":    {"setup", "set-up"},
		"a word twice":    {"setup true", "after true"},
		"no box":          {"- - EPERM", "- EPERM EPERM"},
		"no row":          {"== a fork bomb", ""},
		"goes on":         {"== a fork bomb", "== a fork bomb\n\tb"},
		"not a pattern":   {"EPERM*", "EPERM["},
		"starts going on": {"# what it is", "\tb"},
	} {
		text := strings.Replace(table, change[0], change[1], 1)
		if rows, err := Parse(text); err == nil {
			t.Errorf("%s: %+v", name, rows)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		want, got string
		fits      bool
	}{
		{"ok", "ok", true}, {"EPERM", "EPERM,ok", false}, {"EPERM*", "EPERM,ok", true}, {"[0-9]*", "17", true}, {"oom", "timeout", false}, {"*end", "/dev/shm,end", true},
	} {
		if Match(tt.want, tt.got) != tt.fits {
			t.Errorf("%q fits %q", tt.got, tt.want)
		}
	}
}
