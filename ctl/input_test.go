package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/octaskly/octaskly/internal/octaskly"
	"pgregory.net/rapid"
)

func TestEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lookup := func(name string) (string, bool) { return "here", name == "HERE" || name == "EMPTY" }
	for _, tt := range []struct {
		file  string // its text; "-": no file
		given string
		want  string // with | between, or the error after the path
	}{
		{"-", "", ""},
		{"-", "A=1 B=2=3 C=", "A=1|B=2=3|C="},
		{"-", "HERE A=1", "HERE=here|A=1"},
		{"-", "A=1 A=2", "A=1|A=2"}, // for the dispatcher to refuse
		{"A=1\n\n# no\n  # no\nB=\"x y\"\nHERE\n", "", "A=1|B=\"x y\"|HERE=here"},
		{"A=1\nB=2\n", "A=3 C=4", "B=2|A=3|C=4"},
		{"A=1 \r", "", "A=1 "},
		{"-", "GONE", `cannot read --env "GONE": it has no value, and none here either`},
		{"-", "=x", `cannot read --env "=x": want NAME=value, or NAME for the value it has here`},
		{"A=1\nexport B=2\n", "", `cannot read --env-file FILE, line 2: want NAME=value, or NAME for the value it has here`},
		{"A=1\nGONE\n", "", `cannot read --env-file FILE, line 2: it has no value, and none here either`},
		{"A=" + strings.Repeat("x", octaskly.MaxArg), "", `cannot read --env-file FILE: bufio.Scanner: token too long`},
	} {
		path := file
		if tt.file == "-" {
			path = ""
		} else {
			write(tt.file)
		}
		vars, err := environment(path, strings.Fields(tt.given), lookup)
		got := strings.Join(vars, "|")
		if err != nil {
			got = strings.ReplaceAll(err.Error(), `"`+file+`"`, "FILE")
		}
		if got != tt.want {
			t.Errorf("%.20q and %q: %.200q, want %.200q", tt.file, tt.given, got, tt.want)
		}
	}
	if _, err := environment(filepath.Join(file, "none"), nil, lookup); !isUsage(err) {
		t.Errorf("a missing file: %v", err)
	}
	write(strings.Repeat("A="+strings.Repeat("x", 100<<10)+"\n", 12))
	if _, err := environment(file, nil, lookup); err == nil || !strings.Contains(err.Error(), "line 11: more than") {
		t.Errorf("1.2 MB of variables: %v", err)
	}
}

// However a file is cut into writes, its lines are counted alike.
func TestLineCheckCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringOf(rapid.RuneFrom([]rune("ab é")))).Draw(t, "lines")
		text := strings.Join(lines, "\n")
		want := int64(strings.Count(text, "\n"))
		if text != "" && !strings.HasSuffix(text, "\n") {
			want++
		}
		var c lineCheck
		rest := []byte(text)
		for len(rest) > 0 {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			if written, err := c.Write(rest[:n]); written != n || err != nil {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		if c.count() != want {
			t.Fatalf("%q has %d lines, want %d", text, c.count(), want)
		}
	})
}

func TestLineCheckRefuses(t *testing.T) {
	long := strings.Repeat("x", maxItem)
	for _, tt := range []struct{ text, want string }{
		{long, ""}, {long + "\n" + long, ""},
		{"a\n" + long + "y\n", "line 2 has more than 131057 bytes"},
		{"a\nb\nc\x00d\n", "line 3 contains a NUL byte"},
		{strings.Repeat("\n", octaskly.MaxElements+1), "it has more than 10000000 lines"},
	} {
		_, err := io.Copy(&lineCheck{}, iotest.OneByteReader(strings.NewReader(tt.text[:min(len(tt.text), 300<<10)])))
		if len(tt.text) > 300<<10 {
			_, err = (&lineCheck{}).Write([]byte(tt.text))
		}
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
			t.Errorf("%.20q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestOpenInput(t *testing.T) {
	dir := t.TempDir()
	data := bytes.Repeat([]byte("some input\n"), 10_000)
	sum := sha256.Sum256(data)
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	part, err := os.Open(path) // as in octasklyctl … < file, after somebody has read a part
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	for name, open := range map[string]func(io.Writer) (*input, error){
		"a file":   func(w io.Writer) (*input, error) { return openInput(path, nil, w) },
		"a reader": func(w io.Writer) (*input, error) { return openInput("-", bytes.NewReader(data), w) },
		"stdin":    func(w io.Writer) (*input, error) { return openInput("-", part, w) },
	} {
		var also bytes.Buffer
		in, err := open(&also)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := io.ReadAll(in.file)
		if err != nil || !bytes.Equal(again, data) || !bytes.Equal(also.Bytes(), data) || in.size != int64(len(data)) {
			t.Errorf("%s: %d bytes, %d on the way, size %d, %v", name, len(again), also.Len(), in.size, err)
		}
		if in.hash != octaskly.Blob(hex.EncodeToString(sum[:])) {
			t.Errorf("%s: hash %s", name, in.hash)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenInputRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, open := range map[string]func() (*input, error){
		"no such file":            func() (*input, error) { return openInput(filepath.Join(dir, "none"), nil, io.Discard) },
		"is a directory":          func() (*input, error) { return openInput(dir, nil, io.Discard) },
		"more than the 268435456": func() (*input, error) { return openInput("-", endless{}, io.Discard) },
		"timeout":                 func() (*input, error) { return openInput("-", iotest.TimeoutReader(endless{}), io.Discard) },
	} {
		if in, err := open(); err == nil || !strings.Contains(err.Error(), name) || in != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestTexts(t *testing.T) {
	words := []string{"a", "\xff", ""}
	if got := strs(texts(words)); !slices.Equal(got, words) {
		t.Errorf("%q", got)
	}
}
