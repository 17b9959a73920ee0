package security

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

const formerLine = "octaskly-fleet-key-1 ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA until 2026-12-31T00:00:00Z\n"

const goodLine = "octaskly-fleet-key-1 MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\n"

func TestCreateKeyFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fleet.key")
	keys, created, err := LoadOrCreateKeyFile(path)
	if err != nil || !created {
		t.Fatalf("created %v, %v", created, err)
	}
	again, created, err := LoadOrCreateKeyFile(path)
	if err != nil || created || !again.Present().is(keys.Present()) {
		t.Errorf("then: created %v, %v", created, err)
	}
	loaded, err := LoadKeyFile(path)
	if err != nil || !loaded.is(keys.Present()) {
		t.Errorf("LoadKeyFile: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, ".*")); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

// TestCreateKeyFileRace lets many processes, as it were, start at once.
func TestCreateKeyFileRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fleet.key")
	var creators atomic.Int32
	var keys [16]Key
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range keys {
		all.Go(func() {
			<-start
			made, created, err := LoadOrCreateKeyFile(path)
			if err != nil {
				t.Error(err)
			}
			if created {
				creators.Add(1)
			}
			keys[i] = made.Present()
		})
	}
	close(start)
	all.Wait()
	for _, key := range keys {
		if key.IsZero() || !key.is(keys[0]) {
			t.Fatal("they have different keys")
		}
	}
	if n := creators.Load(); n != 1 {
		t.Errorf("%d of them created the file", n)
	}
}

// TestCreateKeepsOther is the race lost: the file appears after it was missed.
func TestCreateKeepsOther(t *testing.T) {
	path := write(t, goodLine, 0o600)
	if err := createKeyFile(path, NewKeys(GenerateKey())); !errors.Is(err, fs.ErrExist) {
		t.Errorf("createKeyFile: %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != goodLine {
		t.Errorf("the file is now %q", text)
	}
}

func TestCreateKeyFileFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "fleet.key")
	if _, created, err := LoadOrCreateKeyFile(path); created || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without its directory: created %v, %v", created, err)
	}
	path = write(t, "something else\n", 0o600)
	if _, created, err := LoadOrCreateKeyFile(path); created || !errors.Is(err, errNoKey) {
		t.Errorf("over something else: created %v, %v", created, err)
	}
}

func TestLoadKeyFile(t *testing.T) {
	encoded := strings.TrimPrefix(strings.TrimSpace(goodLine), keyPrefix)
	tests := []struct {
		name, text string
		mode       fs.FileMode
		err        string // "" for none
	}{
		{"good", goodLine, 0o600, ""},
		{"read only", goodLine, 0o400, ""},
		{"no newline", strings.TrimSpace(goodLine), 0o600, ""},
		{"CRLF", strings.TrimSpace(goodLine) + "\r\n", 0o600, ""},
		{"blank lines at the end", goodLine + " \n\n", 0o600, ""},
		{"group may read", goodLine, 0o640, "chmod 600 "},
		{"others may read", goodLine, 0o604, "chmod 600 "},
		{"others may write", goodLine, 0o602, "chmod 600 "},
		{"empty", "", 0o600, "not a line that begins with"},
		{"another version", "octaskly-fleet-key-2 " + encoded, 0o600, "not a line that begins with"},
		{"blank before", " " + goodLine, 0o600, "not a line that begins with"},
		{"two present ones", goodLine + goodLine, 0o600, "line 2: it does not say until when"},
		{"a former one first", formerLine + goodLine, 0o600, "line 1 is a former key"},
		{"until some time", goodLine + strings.TrimSpace(goodLine) + " until soon", 0o600, "line 2: it does not say until when"},
		{"until a time elsewhere", goodLine + strings.TrimSpace(goodLine) + " until 2026-12-31T00:00:00+01:00", 0o600, "line 2: it does not say until when"},
		{"a former one of nothing", goodLine + "octaskly-fleet-key-1  until 2026-12-31T00:00:00Z", 0o600, "line 2: what follows"},
		{"a blank line between", goodLine + "\n" + formerLine, 0o600, "line 2: it is not a line"},
		{"nine keys", goodLine + strings.Repeat(formerLine, 8), 0o600, "more than 8 lines"},
		{"broken line", keyPrefix + encoded[:9] + "\n" + encoded[9:], 0o600, "not 32 bytes"},
		{"short", keyPrefix + encoded[:40], 0o600, "not 32 bytes"},
		{"long", keyPrefix + encoded + "AAAA", 0o600, "not 32 bytes"},
		{"padded", keyPrefix + encoded + "=", 0o600, "not 32 bytes"},
		{"trailing bits", keyPrefix + encoded[:42] + "Z", 0o600, "not 32 bytes"},
		{"not base64", keyPrefix + strings.Repeat("*", 43), 0o600, "not 32 bytes"},
		{"large", goodLine + strings.Repeat("\n", 3000), 0o600, "larger than 2048 bytes"},
	}
	for _, tt := range tests {
		path := write(t, tt.text, tt.mode)
		key, err := LoadKeyFile(path)
		switch {
		case tt.err == "" && (err != nil || formatKey(key)+"\n" != goodLine):
			t.Errorf("%s: %v", tt.name, err)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), path)):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.err)
		case tt.err != "" && (!key.IsZero() || strings.Contains(err.Error(), encoded[:8])):
			t.Errorf("%s: gives a key, or shows it: %v", tt.name, err)
		}
	}
}

func TestLoadNoKeyFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := LoadKeyFile(filepath.Join(dir, "missing"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	for _, path := range []string{dir, fifo} {
		if _, err := LoadKeyFile(path); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestLoadCredential(t *testing.T) {
	tests := []struct {
		name string
		dir  func(own string) string
		mode fs.FileMode
		ok   bool
	}{
		{"as systemd makes them", func(own string) string { return own }, 0o440, true},
		{"with a slash", func(own string) string { return own + "/" }, 0o440, true},
		{"others may read", func(own string) string { return own }, 0o444, false},
		{"group may write", func(own string) string { return own }, 0o460, false},
		{"unset", func(string) string { return "" }, 0o440, false},
		{"of elsewhere", func(own string) string { return own + "/other" }, 0o440, false},
		{"of a neighbour", func(own string) string { return own[:len(own)-1] }, 0o440, false},
	}
	for _, tt := range tests {
		path := write(t, goodLine, tt.mode)
		t.Setenv("CREDENTIALS_DIRECTORY", tt.dir(filepath.Dir(path)))
		if _, err := LoadKeyFile(path); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(goodLine))
	f.Add([]byte(goodLine + formerLine + formerLine))
	f.Add([]byte(keyPrefix))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseKeys(text)
		if err != nil {
			return
		}
		written := formatKeys(keys)
		again, err := parseKeys(written)
		if err != nil || !bytes.Equal(formatKeys(again), written) {
			t.Fatalf("%q, written %q, is read as %q, %v", text, written, formatKeys(again), err)
		}
		if len(keys.Former()) == 0 && !bytes.Equal(written, append(bytes.TrimRight(text, " \t\r\n"), '\n')) {
			t.Fatalf("%q is not what is written for it", text)
		}
	})
}

// write makes a key file in a directory of its own.
func write(t *testing.T, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fleet.key")
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}
