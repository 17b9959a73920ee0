package config

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/units"
)

// read lays a file over the built-in values of a role.
func read(t *testing.T, role dirs.Role, text string) (Config, error) {
	t.Helper()
	cfg, err := builtIn(role)
	if err != nil {
		t.Fatal(err)
	}
	l := newLoader(cfg)
	l.document("f", []byte(text))
	l.check(cfg)
	return cfg, joined(l.problems)
}

func TestFile(t *testing.T) {
	want := newDispatcher()
	want.Fleet = "blue"
	want.LogLevel = LogLevel(-4)
	want.Limits = Limits{MaxOutput: 1 << 20, MaxQueued: 4096, Lease: 90 * units.Second, CommitLinger: 0, MaxLosses: 3}
	want.Retention.Age, want.Retention.Tasks, want.Retention.Output = 36*units.Hour, 0, units.GiB
	for _, text := range []string{
		"fleet = 'blue'\nlog_level = 'Debug'\n[limits]\nmax_output = '1M'\nmax_queued = 4_096\nlease = '1m30s'\ncommit_linger = '0'\nmax_losses = 3\n[retention]\nage = '1d12h'\ntasks = 0\noutput = '1G'",
		"fleet = \"\"\"blue\"\"\"\r\nlimits = { max_output = 0x100000, max_queued = 0b1_0000_0000_0000, lease = 90, commit_linger = 0.0, max_losses = 0x3 }\r\nretention = { age = '36h', tasks = 0, output = '1024MiB' }\r\nlog_level = 'debug'",
		"limits.max_output = '1048576'\nlimits.max_queued = +4096\n\"limits\".'lease' = 9_0.0\nfleet = \"b\\u006cue\"\nlimits.commit_linger = '0s'\nlimits.max_losses = 3\nretention.age = 129600\nretention.tasks = +0\nretention.output = '1073741824'\nlog_level = 'DEBUG'",
	} {
		got, err := read(t, dirs.Dispatcher, text)
		if err != nil {
			t.Errorf("%s\n%v", text, err)
		}
		if diff := cmp.Diff(Config(want), got, sameValues); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
}

func TestList(t *testing.T) {
	for text, want := range map[string][]string{
		"directories = ['/a', \"/b:\\u0063,d\"]":           {"/a", "/b:c,d"},
		"directories = [\n # the first\n '/a',\n '/b/', ]": {"/a", "/b"},
		"directories = []":                                 nil,
	} {
		cfg, err := read(t, dirs.Executor, text)
		if err != nil {
			t.Errorf("%s\n%v", text, err)
		}
		if diff := cmp.Diff(want, cfg.(*Executor).Directories); diff != "" || cfg.Origin("directories").Line != 1 {
			t.Errorf("%s, from %v\n%s", text, cfg.Origin("directories"), diff)
		}
	}
}

func TestFileOrigins(t *testing.T) {
	cfg, err := read(t, dirs.Dispatcher, "# the fleet\n  fleet = 'blue'\n\n[limits]\nlease = '1m'\n\tmax_queued = 7\n")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]Origin{
		"fleet":             {"f", 2, 3},
		"limits.lease":      {"f", 5, 1},
		"limits.max_queued": {"f", 6, 2},
		"limits.max_output": builtInOrigin,
	} {
		if got := cfg.Origin(key); got != want {
			t.Errorf("%s is from %#v, want %#v", key, got, want)
		}
	}
}

func TestFileErrors(t *testing.T) {
	tests := []struct {
		name string
		role dirs.Role
		text string
		want string // lines
	}{
		{"unknown key", dirs.Worker, "\n  slotz = 4", `f:2:3: slotz: there is no such key; did you mean slots?`},
		{"unknown, like nothing", dirs.Worker, "colour = 'red'", `f:1:1: colour: there is no such key`},
		{"key of another role", dirs.Dispatcher, "slots = 4", `f:1:1: slots: there is no such key`},
		{"dash for underscore", dirs.Worker, "state-dir = '/x'", `f:1:1: state-dir: there is no such key; did you mean state_dir?`},
		{"case", dirs.Worker, "Name = 'x'", `f:1:1: Name: there is no such key; did you mean name?`},
		{"outside its table", dirs.Dispatcher, "lease = '1m'", `f:1:1: lease: there is no such key; did you mean limits.lease?`},
		{"inside a table", dirs.Dispatcher, "[limits]\nfleet = 'x'", `f:2:1: limits.fleet: there is no such key; did you mean fleet?`},
		{"dots inside a quoted key", dirs.Dispatcher, "'limits.lease' = '1m'", `f:1:1: "limits.lease": there is no such key; did you mean limits.lease?`},
		{"in an inline table", dirs.Dispatcher, "limits = { lease = '1m', lese = 1 }", `f:1:26: limits.lese: there is no such key; did you mean limits.lease?`},
		{"unknown table, once", dirs.Dispatcher, "[limit]\nlease = '1m'\nlinger = 1\n[limit.x]\ny=1", `f:1:2: limit: there is no such table; did you mean limits?`},
		{"unknown inline table, once", dirs.Worker, "x = { lease = '1m' }", `f:1:1: x: there is no such table`},
		{"unknown array of tables", dirs.Worker, "[[task]]\nname = 'x'", `f:1:3: task: there is no such table`},
		{"below a key", dirs.Worker, "slots.max = 1", `f:1:1: slots.max: there is no such key`},
		{"table for a key", dirs.Worker, "[slots]\nmax = 1", `f:1:2: slots: want a whole number, not a table`},
		{"key for a table", dirs.Dispatcher, "limits = 5", `f:1:1: limits: want a table, not a whole number`},
		{"array of tables for a table", dirs.Dispatcher, "[[limits]]\nlease = '1m'", `f:1:3: limits: want a table, not an array of tables`},
		{"string for a number", dirs.Worker, "slots = '4'", `f:1:1: slots: want a whole number, not a string`},
		{"fraction for a number", dirs.Worker, "slots = 1.5", `f:1:1: slots: want a whole number, not a fraction`},
		{"number for a string", dirs.Worker, "name = 4", `f:1:1: name: want a string, not a whole number`},
		{"boolean for a size", dirs.Worker, "memory = true", `f:1:1: memory: want a string, not a boolean`},
		{"array for a string", dirs.Worker, "name = ['a']", `f:1:1: name: want a string, not an array`},
		{"date for a duration", dirs.Worker, "grace = 2026-01-01", `f:1:1: grace: want a string, not a date`},
		{"bad size", dirs.Worker, "memory = '4Q'", `f:1:1: memory: cannot read size "4Q": there is no unit "Q"; write it as in 512, 64K or 1.5GiB`},
		{"bad fraction", dirs.Worker, "cpus = inf", `f:1:1: cpus: cannot read number of cpus "inf": a number is missing; write it as in 1, 0.5 or 2.25`},
		{"out of range", dirs.Dispatcher, "[limits]\nmax_queued = 0\nlease = 0", "f:2:1: limits.max_queued: 0 is not from 1 to 1000000000\nf:3:1: limits.lease: 0s is not from 100ms to 1d"},
		{"relative path", dirs.Dispatcher, "state_dir = 'x'\nsocket = './s'\njoin_key_file = 'k'", "f:1:1: state_dir: \"x\" is not absolute\nf:2:1: socket: \"./s\" is not absolute\nf:3:1: join_key_file: \"k\" is not absolute"},
		{"control character", dirs.Worker, `join_key_file = "/a\nb"`, `f:1:1: join_key_file: "/a\nb" has bytes that are no text`},
		{"format", dirs.Worker, "log_format = 'xml'", `f:1:1: log_format: "xml" is none of text, json`},
		{"name with a slash", dirs.Worker, "name = 'a/b'", `f:1:1: name: "a/b" is no name: letters, digits and ._- make one, and it does not begin with . or -`},
		{"long name", dirs.Worker, "name = '" + strings.Repeat("n", 65) + "'", `f:1:1: name: "` + strings.Repeat("n", 64) + `"… has 65 bytes, 64 are allowed`},
		{"empty name", dirs.Dispatcher, "fleet = ''", `f:1:1: fleet: it is empty`},
		{"string for a list", dirs.Executor, "directories = '/a:/b'", `f:1:1: directories: want an array of strings, not a string`},
		{"number in a list", dirs.Executor, "directories = ['/a', 7]", `f:1:1: directories: want an array of strings, not one with a whole number`},
		{"list in a list", dirs.Executor, "directories = [['/a']]", `f:1:1: directories: want an array of strings, not one with an array`},
		{"table in a list", dirs.Executor, "directories = [{ a = 1 }]", `f:1:1: directories: want an array of strings, not one with a table`},
		{"table for a list", dirs.Executor, "[directories]\na = 1", `f:1:2: directories: want an array of strings, not a table`},
		{"relative path in a list", dirs.Executor, "directories = ['/a', 'b', '']", "f:1:1: directories: \"b\" is not absolute\nf:1:1: directories: it is empty"},
		{"control character in a list", dirs.Executor, `directories = ["/a\n"]`, `f:1:1: directories: "/a\n" has bytes that are no text`},
		{"long list", dirs.Executor, "directories = [" + strings.Repeat("'/a',", 65) + "]", `f:1:1: directories: it lists 65 paths, 64 are allowed`},
		{"near miss in an executor", dirs.Executor, "directory = ['/a']", `f:1:1: directory: there is no such key; did you mean directories?`},
		{"key of a worker", dirs.Executor, "name = 'x'", `f:1:1: name: there is no such key`},
		{"key twice", dirs.Worker, "slots = 1\nslots = 2", `f:2:1: slots: key slots is already defined`},
		{"no value", dirs.Worker, "slots =", `f:1:7: expected value, not end of input`},
		{"number too large", dirs.Worker, "slots = 9223372036854775808", `f:1:9: decimal number is too large to fit in a 64-bit signed integer`},
		{"several", dirs.Worker, "slots = 'x'\nnme = 'x'\ngrace = '1h1s'", "f:1:1: slots: want a whole number, not a string\nf:2:1: nme: there is no such key; did you mean name?\nf:3:1: grace: 1h1s is not from 0s to 1h"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(t, tt.role, tt.text)
			wantError(t, err, tt.want)
		})
	}
}

func TestManyProblems(t *testing.T) {
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "unknown%d = %d\n", i, i)
	}
	_, err := read(t, dirs.Worker, text.String())
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxProblems+1 || lines[maxProblems] != "and 80 more" {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

// FuzzFile checks that no file does harm: what loads shows as a file of the
// same values, and what does not has its place within the file.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"fleet = 'blue'\n[limits]\nlease = 90\nmax_output = '1M'", "limits = { max_queued = 0x10, commit_linger = 0.001 }", "limits.lease.x = 1",
		"directories = ['/a', \"/b\"]\nrun_as = 'ann'\n", "directories = [['/a'], 1]", "executor = '/s'\nslots = 2",
		"slots = 3\ncpus = 1.5\nname = \"a\\u0062\"\ngrace = '01:00:00'", "[[limits]]", "a = [[1, {b = 1979-05-27T07:32:00Z}], []]", "\"\" = 1", "name = \"\x7f\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, role := range dirs.Roles {
			cfg, err := read(t, role, text)
			if err != nil {
				checkPlaces(t, err, 1+strings.Count(text, "\n"))
				continue
			}
			checkShow(t, role, cfg)
		}
	})
}

func checkPlaces(t *testing.T, err error, lines int) {
	t.Helper()
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
		p, ok := err.(*Problem)
		if !ok {
			continue // "and 3 more"
		}
		if at := p.Origin; at.Name != "f" || at.Line < 1 || at.Line > lines || at.Column < 1 {
			t.Errorf("problem at %#v, in a file of %d lines: %v", at, lines, err)
		}
	}
}

// checkShow reads back what Show writes.
func checkShow(t interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}, role dirs.Role, want Config) {
	t.Helper()
	var shown bytes.Buffer
	if err := Show(&shown, want); err != nil {
		t.Fatal(err)
	}
	got, err := builtIn(role)
	if err != nil {
		t.Fatal(err)
	}
	l := newLoader(got)
	l.document("shown", shown.Bytes())
	l.check(got)
	if len(l.problems) > 0 {
		t.Fatalf("%v\n%s", joined(l.problems), shown.String())
	}
	if diff := cmp.Diff(want, got, sameValues); diff != "" {
		t.Fatalf("%s\n%s", diff, shown.String())
	}
}
