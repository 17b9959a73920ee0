package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/dirs"
)

// Of every choice of layers, the highest wins.
func TestPrecedence(t *testing.T) {
	type layer struct {
		name, origin string
		put          func(t *testing.T, dir string, src *Sources)
	}
	write := func(name, text string) func(*testing.T, string, *Sources) {
		return func(t *testing.T, dir string, _ *Sources) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	layers := []layer{
		{"file", "dispatcher.toml:2", write("dispatcher.toml", "# mine\nfleet = 'file'\n")},
		{"drop-in", "dispatcher.d/10-site.toml:1", write("dispatcher.d/10-site.toml", "fleet = 'drop-in'")},
		{"later", "dispatcher.d/20-host.toml:4", write("dispatcher.d/20-host.toml", "\n\n\nfleet = 'later'")},
		{"variable", "OCTASKLY_FLEET", func(t *testing.T, _ string, _ *Sources) { t.Setenv("OCTASKLY_FLEET", "variable") }},
		{"flag", "--fleet", func(_ *testing.T, _ string, src *Sources) { src.Flags = map[string]string{"fleet": "flag"} }},
	}
	for choice := range 1 << len(layers) {
		t.Run(fmt.Sprintf("%05b", choice), func(t *testing.T) {
			dir := configDir(t, "dispatcher.d/README", "not read", "worker.toml", "fleet = 'not read either'")
			value, origin, src := "default", "built in", Sources{}
			for i, l := range layers {
				if choice&(1<<i) != 0 {
					l.put(t, dir, &src)
					value, origin = l.name, l.origin
				}
			}
			d, err := LoadDispatcher(src)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimPrefix(d.Origin("fleet").String(), dir+"/"); d.Fleet != value || got != origin {
				t.Errorf("%q from %s, want %q from %s", d.Fleet, got, value, origin)
			}
		})
	}
}

func TestDropInOrder(t *testing.T) {
	configDir(t,
		"worker.d/9.toml", "name = 'nine'", // as text, 9 is after 10
		"worker.d/10.toml", "name = 'ten'\nslots = 10",
		"worker.d/a.toml", "slots = 11",
		"worker.d/.zz.toml", "nonsense",
		"worker.d/zz.toml~", "nonsense",
		"worker.d/zz.conf", "nonsense",
	)
	w, err := LoadWorker(Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if w.Name != "nine" || w.Slots != 11 {
		t.Errorf("name %q, slots %d", w.Name, w.Slots)
	}
}

func TestNamedFile(t *testing.T) {
	dir := configDir(t, "worker.toml", "name = 'role'\nslots = 3", "worker.d/a.toml", "name = 'drop-in'", "my.toml", "name = 'mine'")
	w, err := LoadWorker(Sources{File: filepath.Join(dir, "my.toml")})
	if err != nil {
		t.Fatal(err)
	}
	if w.Name != "mine" || w.Origin("slots") != builtInOrigin {
		t.Errorf("name %q, slots from %s", w.Name, w.Origin("slots"))
	}
	missing := filepath.Join(dir, "other.toml")
	_, err = LoadWorker(Sources{File: missing})
	wantError(t, err, missing+": cannot read it: no such file or directory")
}

func TestMissingDirectory(t *testing.T) {
	t.Setenv(dirs.ConfigVar, "/nonexistent")
	_, err := LoadWorker(Sources{})
	wantError(t, err, `OCTASKLY_CONFIG_DIR: there is no directory "/nonexistent"`)
}

func TestUnreadable(t *testing.T) {
	dir := configDir(t,
		"worker.toml/x", "", // a directory
		"worker.d/b.toml", "# "+strings.Repeat("x", maxFile),
		"worker.d/c.toml", "slots = 'still read'",
		"dispatcher.d", "a file",
	)
	if err := os.Symlink("a.toml", filepath.Join(dir, "worker.d/a.toml")); err != nil {
		t.Fatal(err)
	}
	_, err := LoadWorker(Sources{})
	wantError(t, err,
		dir+"/worker.toml: cannot read it: is a directory",
		dir+"/worker.d/a.toml: cannot read it: too many levels of symbolic links",
		dir+"/worker.d/b.toml: cannot read it: it is larger than 64 KiB",
		dir+"/worker.d/c.toml:1:1: slots: want a whole number, not a string",
	)
	_, err = LoadDispatcher(Sources{})
	wantError(t, err, dir+"/dispatcher.d: cannot read it: not a directory")
}

func TestForbidden(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("nothing is forbidden to root")
	}
	dir := configDir(t, "worker.toml", "")
	if err := os.Chmod(filepath.Join(dir, "worker.toml"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := LoadWorker(Sources{})
	wantError(t, err, dir+"/worker.toml: cannot read it: permission denied")
}

func TestEnvironmentAndFlagErrors(t *testing.T) {
	t.Setenv("OCTASKLY_SLOTS", "many")
	t.Setenv("OCTASKLY_MEMORY", "9Q")
	t.Setenv("OCTASKLY_NAME", "") // counts as unset
	t.Setenv("OCTASKLY_LOG_LEVEL", "loud")
	_, err := LoadWorker(Sources{Flags: map[string]string{"grace": "2h", "slots": "9223372036854775808", "sluts": "1", "dispatcher": "queue"}})
	wantError(t, err,
		`OCTASKLY_LOG_LEVEL: log_level: cannot read level "loud": it is none of debug, info, warn and error`,
		`OCTASKLY_SLOTS: slots: cannot read number "many": it is no whole number`,
		`OCTASKLY_MEMORY: memory: cannot read size "9Q": there is no unit "Q"; write it as in 512, 64K or 1.5GiB`,
		`--slots: slots: cannot read number "9223372036854775808": it is too large`,
		`--sluts: sluts: there is no such key`,
		`--dispatcher: dispatcher: "queue" is not HOST:PORT, as in 192.0.2.7:7878, [2001:db8::7]:7878 or queue.example:7878`,
		`--grace: grace: 2h is not from 0s to 1h`,
	)
}

func TestPathLists(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	configDir(t, "executor.toml", "directories = ['/a:b']")
	for _, tt := range []struct {
		variable string
		flags    map[string]string
		want     []string
	}{
		{"", nil, []string{"/a:b"}},
		{"/c:d/", nil, []string{"/c", dir + "/d"}},
		{"/c", map[string]string{"directories": "/e,f:/g"}, []string{"/e,f", "/g"}},
		{"/c", map[string]string{"directories": ""}, nil},
	} {
		t.Setenv("OCTASKLY_DIRECTORIES", tt.variable)
		x, err := LoadExecutor(Sources{Flags: tt.flags})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, x.Directories); diff != "" {
			t.Errorf("%q and %q: %s", tt.variable, tt.flags, diff)
		}
	}
	t.Setenv("OCTASKLY_DIRECTORIES", "/a::/b")
	_, err := LoadExecutor(Sources{})
	wantError(t, err, "OCTASKLY_DIRECTORIES: directories: it is empty")
}

// What an executor gives out is not for its worker to say, whoever says it.
func TestCapacityOfExecutor(t *testing.T) {
	dir := configDir(t, "worker.toml", "executor = '/run/x.sock'\ncpus = 2\n[slots]\n", "executor.toml", "cpus = 2")
	t.Setenv("OCTASKLY_MEMORY", "1G")
	_, err := LoadWorker(Sources{Flags: map[string]string{"grace": "1s"}})
	wantError(t, err,
		dir+"/worker.toml:3:2: slots: want a whole number, not a table",
		dir+"/worker.toml:2:1: cpus: it belongs to the executor: give it in executor.toml",
		"OCTASKLY_MEMORY: memory: it belongs to the executor: give it in executor.toml",
		"--grace: grace: it belongs to the executor: give it in executor.toml",
	)
	if _, err := LoadWorker(Sources{Flags: map[string]string{"executor": ""}}); err == nil || strings.Contains(err.Error(), "belongs") {
		t.Errorf("a worker without an executor says %v", err)
	}
	if x, err := LoadExecutor(Sources{}); err != nil || x.CPUs != 2000 {
		t.Errorf("cpus of the executor are %v, %v", x.CPUs, err)
	}
}

// A key that systemd hands over is used unless somebody names another.
func TestKeyCredential(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	path := filepath.Join(dir, "fleet.key")
	load := func(role dirs.Role, flags map[string]string) (string, string) {
		t.Helper()
		cfg, err := Load(role, Sources{Flags: flags})
		if err != nil {
			t.Fatal(err)
		}
		file := ""
		switch c := cfg.(type) {
		case *Dispatcher:
			file = c.JoinKeyFile
		case *Worker:
			file = c.JoinKeyFile
		}
		return file, cfg.Origin("join_key_file").String()
	}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, role := range []dirs.Role{dirs.Dispatcher, dirs.Worker} {
		write("") // what SetCredential= falls back to
		if file, origin := load(role, nil); file != "" || origin != "built in" {
			t.Errorf("%s: an empty credential gives %q from %s", role, file, origin)
		}
		write("key")
		if file, origin := load(role, nil); file != path || origin != "systemd credential" {
			t.Errorf("%s: %q from %s", role, file, origin)
		}
		if file, origin := load(role, map[string]string{"join_key_file": "/k"}); file != "/k" || origin != "--join-key-file" {
			t.Errorf("%s: %q from %s", role, file, origin)
		}
	}
}

func TestInviteCredential(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	path := filepath.Join(dir, "invite")
	for text, want := range map[string]string{"\n": "", "octi1.x\n": path} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if w, err := LoadWorker(Sources{}); err != nil || w.InviteFile != want {
			t.Errorf("a credential of %q: %q, %v", text, w.InviteFile, err)
		}
	}
	if w, err := LoadWorker(Sources{Flags: map[string]string{"invite_file": "/i"}}); err != nil || w.InviteFile != "/i" {
		t.Errorf("by a flag: %q, %v", w.InviteFile, err)
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("OCTASKLY_JOIN_KEY_FILE", "key")
	d, err := LoadDispatcher(Sources{Flags: map[string]string{"state_dir": "state", "socket": "s"}})
	if err != nil {
		t.Fatal(err)
	}
	if d.StateDir != dir+"/state" || d.JoinKeyFile != dir+"/key" || d.Socket != "s" {
		t.Errorf("state_dir %q, join_key_file %q, socket %q", d.StateDir, d.JoinKeyFile, d.Socket)
	}

	_, err = LoadDispatcher(Sources{Flags: map[string]string{"state_dir": "", "socket": "/" + strings.Repeat("s", 107)}})
	wantError(t, err,
		`--state-dir: state_dir: it is empty`,
		`--socket: socket: cannot use socket "/`+strings.Repeat("s", 107)+`": its path has 108 bytes, unix(7) allows 107; give a shorter one by --socket`,
	)
}

// An ordinary user without a home has no default directories.
func TestNoDefault(t *testing.T) {
	d := newDispatcher()
	d.StateDir, d.Socket = "", ""
	l := newLoader(d)
	l.check(d)
	wantError(t, joined(l.problems),
		"built in: state_dir: it is empty; give it by --state-dir, OCTASKLY_STATE_DIR or a file",
		"built in: socket: it is empty; give it by --socket, OCTASKLY_SOCKET or a file",
	)
}

func wantError(t *testing.T, err error, lines ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want\n%s", strings.Join(lines, "\n"))
	}
	if got, want := err.Error(), strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
