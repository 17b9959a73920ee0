package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"pgregory.net/rapid"
)

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"": "''", "ls": "ls", "--a=b": "--a=b", "a b": "'a b'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "~": "'~'", "*": "'*'",
		"a\nb": `$'a\nb'`, "\x1b[2J": `$'\x1b[2J'`, "\\\t'": `$'\\\t\''`, "\xff": `$'\xff'`, "ä": "'ä'", "\u202ex": `$'\u202ex'`,
		"#": "'#'", "a;b": "'a;b'", "!": "'!'",
	} {
		if got := quote(word); got != want {
			t.Errorf("%q is quoted %s, want %s", word, got, want)
		}
	}
}

// A shell reads a quoted word back as it was.
func TestQuoteIsReadBack(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash, which knows $'…'")
	}
	var words []string
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "word")
		words = append(words, strings.ReplaceAll(word, "\x00", ""))
	})
	script := strings.Builder{}
	script.WriteString("printf '%s\\0'")
	for _, word := range words {
		script.WriteString(" " + quote(word))
	}
	cmd := exec.Command(bash, "-c", script.String())
	cmd.Env = []string{"LC_ALL=C.UTF-8"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	for i, word := range words {
		if got[i] != word {
			t.Errorf("%q, quoted %s, is read as %q", word, quote(word), got[i])
		}
	}
}

func TestDefuse(t *testing.T) {
	for text, want := range map[string]string{
		"plain text, ä €": "plain text, ä €", "a\x1b[31mb": `a\x1b[31mb`, "\r\n": `\r\n`, "\x9b": `\x9b`, "\u009b": `\u009b`,
		"\u202e": `\u202e`, "\ufeff": `\ufeff`, "\xc3": `\xc3`, "a\x00": `a\x00`, "\ufffd": "\ufffd",
	} {
		if got := defuse(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestDefusedTextIsHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))
		for _, safe := range []string{defuse(text), quote(text)} {
			if !utf8.ValidString(safe) || strings.ContainsFunc(safe, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
				t.Fatalf("%q becomes %q", text, safe)
			}
			if defuse(safe) != safe {
				t.Fatalf("%q is defused twice", text)
			}
		}
	})
}

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "é": 1, "e\u0301": 1, "日本": 4, "😀": 2, "…": 1} {
		if got := columns(text); got != want {
			t.Errorf("%q has %d columns, want %d", text, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"abc", 1, "…"}, {"", 0, ""}} {
		if got := shorten(tt.text, tt.limit); got != tt.want {
			t.Errorf("%q in %d columns is %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}

func TestShortenFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, limit := rapid.String().Draw(t, "text"), rapid.IntRange(1, 40).Draw(t, "limit")
		if got := shorten(text, limit); columns(got) > limit {
			t.Fatalf("%q has %d columns", got, columns(got))
		}
	})
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) *time.Time { at := noon.Add(-d); return &at }

func sampleJobs() []api.Job {
	zero := 0
	return []api.Job{
		{ID: "9", State: octaskly.Running, Command: []api.Text{"./a", "b c"}, Array: "0-999", Tasks: 1000,
			Counts: map[string]int64{"completed": 337, "failed": 3, "running": 4, "queued": 656}, SubmittedAt: *ago(time.Minute)},
		{ID: "8", Name: "evil\x1b[2J", State: octaskly.Completed, Command: []api.Text{"日本語", "x"}, Tasks: 1, Exit: &zero,
			SubmittedAt: *ago(time.Hour), StartedAt: ago(30 * time.Minute), EndedAt: ago(20 * time.Minute), Worker: "w1"},
		{ID: "7", State: octaskly.Failed, Reason: "signal:9", Command: []api.Text{"sh", "-c", "kill\n-9 $$"}, Tasks: 1,
			SubmittedAt: *ago(24 * time.Hour), Worker: "w2"},
	}
}

func TestWriteJobs(t *testing.T) {
	for _, tt := range []struct {
		width int
		want  string
	}{
		{0, `
ID  STATE             NAME         COMMAND                RESULT    WORKER  AGE   TIME
9   running 340/1000  -            ./a 'b c'              -         -       1m    -
8   completed         evil\x1b[2J  '日本語' x             0         w1      1h    10m
7   failed            -            sh -c $'kill\n-9 $$'   signal:9  w2      1d    -
`},
		{75, `
ID  STATE             NAME         COMMAND      RESULT    WORKER  AGE  TIME
9   running 340/1000  -            ./a 'b c'    -         -       1m   -
8   completed         evil\x1b[2J  '日本語' x   0         w1      1h   10m
7   failed            -            sh -c $'ki…  signal:9  w2      1d   -
`},
	} {
		var out bytes.Buffer
		if err := writeJobs(&out, sampleJobs(), tt.width, noon); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimSpace(tt.want), "\n") {
			got := strings.Split(out.String(), "\n")[i]
			if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(line), " ") {
				t.Errorf("width %d, line %d:\n%s\nwant\n%s", tt.width, i, got, line)
			}
			if tt.width > 0 && columns(got) > tt.width {
				t.Errorf("%q is wider than %d", got, tt.width)
			}
		}
	}
}

// All rows of a table begin their columns at the same place.
func TestTableLinesUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := newTable("A", "B", "C")
		table.give, table.width = 1, rapid.IntRange(0, 60).Draw(t, "width")
		rows := rapid.SliceOfN(rapid.SliceOfN(rapid.StringN(0, 30, -1), 2, 2), 1, 5).Draw(t, "rows")
		for _, row := range rows {
			table.add(row[0], row[1], "END")
		}
		var out bytes.Buffer
		if err := table.write(&out); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		at := columns(strings.TrimSuffix(lines[0], "C"))
		for _, line := range lines[1:] {
			if before, ok := strings.CutSuffix(line, "END"); !ok || columns(before) != at {
				t.Fatalf("%q does not line up with %q", line, lines[0])
			}
		}
		if len(lines) != len(rows)+1 {
			t.Fatalf("%d rows on %d lines", len(rows), len(lines))
		}
	})
}

func TestWriteDetail(t *testing.T) {
	backoff := api.Seconds(2 * time.Second)
	d := &api.Detail{
		Job: api.Job{
			ID: "42.7", Name: "n", Owner: "ann", State: octaskly.Failed, Reason: "exit:3", Command: []api.Text{"x", "y z"}, Tasks: 1,
			SubmittedAt: *ago(time.Minute), StartedAt: ago(30 * time.Second), EndedAt: ago(10 * time.Second), Worker: "w1",
		},
		Submission: api.Submission{
			Env: []api.Text{"A=b c"}, Cwd: "/srv", Timeout: new(api.Seconds(90 * time.Second)), Retries: 1, Backoff: &backoff, CPUs: 0.5,
			Memory: 512 << 20, Merge: true, Key: "k", AtOnce: 4,
		},
		Attempts: []api.Attempt{
			{Number: 1, State: octaskly.Failed, Reason: "exit:3", Worker: "w1", StartedAt: ago(30 * time.Second), EndedAt: ago(25 * time.Second),
				CPUTime: api.Seconds(1500 * time.Millisecond), MaxRSS: 3 << 20, Stdout: 10, Stderr: 64 << 20, Discarded: 1 << 20, Leftover: true},
			{Number: 2, State: octaskly.Failed, Reason: "spawn:EAGAIN", Detail: "no\a room", Worker: "w1"},
		},
		Failures: 2,
	}
	var out bytes.Buffer
	if err := writeDetail(&out, d, noon); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"id: 42.7 name: n owner: ann state: failed result: exit:3 command: x 'y z' cwd: /srv",
		"env: 'A=b c'", "at once: 4", "timeout: 1m30s", "retries: 1 backoff: 2s cpus: 0.5 memory: 512 MiB", "merge: stderr goes into stdout key: k",
		"(1m ago)", "took: 20s",
		"# STATE RESULT WORKER STARTED TIME CPU MEMORY STDOUT STDERR 1 failed exit:3 w1 11:59:30 5s 1.5s 3MiB 10B 64MiB",
		"2 failed spawn:EAGAIN w1 - - 0s - 0B 0B",
		"attempt 1: 1 MiB of output discarded; processes outlived the command and were killed",
		`attempt 2: no\a room`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
}
