package dirs

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// user is an ordinary one, and stranger another.
const stranger = 54322

func user() int {
	if uid := os.Geteuid(); uid != 0 {
		return uid
	}
	return 54321
}

// usersDir returns a new directory of user.
func usersDir(t *testing.T, mode os.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, user(), -1); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPlaces(t *testing.T) {
	runtime, writable := usersDir(t, 0o700), usersDir(t, 0o777)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const home = "HOME=/home/ann"
	const state, socket, config = "/home/ann/.local/state/octaskly/worker", "/home/ann/.local/state/octaskly/worker.sock", "/home/ann/.config/octaskly"

	tests := []struct {
		name                  string
		uid                   int
		env                   []string
		state, socket, config string
	}{
		{"root", 0, []string{home, "XDG_STATE_HOME=/s", "XDG_CONFIG_HOME=/c", "XDG_RUNTIME_DIR=" + runtime},
			"/var/lib/octaskly/worker", "/run/octaskly/worker.sock", "/etc/octaskly"},
		{"user with nothing but a home", user(), []string{home}, state, socket, config},
		{"user with XDG directories", user(), []string{home, "XDG_STATE_HOME=/s", "XDG_CONFIG_HOME=/c", "XDG_RUNTIME_DIR=" + runtime},
			"/s/octaskly/worker", runtime + "/octaskly/worker.sock", "/c/octaskly"},
		{"relative ones do not count", user(), []string{home, "XDG_STATE_HOME=s", "XDG_CONFIG_HOME=c", "XDG_RUNTIME_DIR=."}, state, socket, config},
		{"runtime directory of somebody else", stranger, []string{home, "XDG_RUNTIME_DIR=" + runtime}, state, socket, config},
		{"runtime directory that all may write", user(), []string{home, "XDG_RUNTIME_DIR=" + writable}, state, socket, config},
		{"runtime directory that is a file", user(), []string{home, "XDG_RUNTIME_DIR=" + file}, state, socket, config},
		{"runtime directory that is missing", user(), []string{home, "XDG_RUNTIME_DIR=" + runtime + "/x"}, state, socket, config},
		{"systemd", user(), []string{home, "STATE_DIRECTORY=/var/lib/o:/var/lib/x", "RUNTIME_DIRECTORY=/run/o:/run/x", "CONFIGURATION_DIRECTORY=/etc/o"},
			"/var/lib/o", "/run/o/worker.sock", "/etc/o"},
		{"systemd with a socket unit", user(), []string{home, "STATE_DIRECTORY=/var/lib/o", "CONFIGURATION_DIRECTORY=/etc/o"},
			"/var/lib/o", "/run/octaskly/worker.sock", "/etc/o"},
		{"OCTASKLY_CONFIG_DIR", 0, []string{"OCTASKLY_CONFIG_DIR=conf", "CONFIGURATION_DIRECTORY=/etc/o"},
			"/var/lib/octaskly/worker", "/run/octaskly/worker.sock", "conf"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(tt.uid, tt.env...)
			if got, err := h.state(Worker); got != tt.state || err != nil {
				t.Errorf("state = %q, %v; want %q", got, err, tt.state)
			}
			if got, err := h.socket(Worker); got != tt.socket || err != nil {
				t.Errorf("socket = %q, %v; want %q", got, err, tt.socket)
			}
			if got := h.config(); got != tt.config {
				t.Errorf("config = %q, want %q", got, tt.config)
			}
		})
	}
}

func newHost(uid int, env ...string) host {
	vars := map[string]string{}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	return host{func(name string) string { return vars[name] }, uid}
}

func TestHomeless(t *testing.T) {
	h := newHost(user())
	if dir, err := h.state(Worker); err == nil {
		t.Errorf("state = %q, want an error", dir)
	}
	if path, err := h.socket(Worker); err == nil {
		t.Errorf("socket = %q, want an error", path)
	}
	if dir := h.config(); dir != "" {
		t.Errorf("config = %q, want none", dir)
	}
}

func TestDefaultSocket(t *testing.T) {
	home, shared := usersDir(t, 0o700), t.TempDir()
	h := newHost(user(), "XDG_RUNTIME_DIR="+home, "RUNTIME_DIRECTORY=/run/another-unit", "STATE_DIRECTORY=/var/lib/another-unit")
	own, system := filepath.Join(home, "octaskly/dispatcher.sock"), filepath.Join(shared, "dispatcher.sock")
	check := func(when, want string) {
		t.Helper()
		if got, err := h.defaultSocket(Dispatcher, shared); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", when, got, err, want)
		}
	}

	check("nobody listens", own)
	listen(t, system)
	check("only the system listens", system)
	listen(t, own)
	check("both listen", own)
	if got, err := newHost(user()).defaultSocket(Dispatcher, shared); got != system || err != nil {
		t.Errorf("a user without a home gets %q, %v; want %q", got, err, system)
	}
	if got, err := newHost(user()).defaultSocket(Worker, shared); err == nil {
		t.Errorf("a user without a home gets %q for a worker that does not listen, want an error", got)
	}
}

func listen(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
}

func TestCredential(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"full": "key", "empty": "", "blank": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	given := newHost(user(), "CREDENTIALS_DIRECTORY="+dir)
	for name, want := range map[string]string{"full": dir + "/full", "empty": "", "blank": "", "missing": "", ".": ""} {
		if got := given.credential(name); got != want {
			t.Errorf("credential %q is %q, want %q", name, got, want)
		}
	}
	for _, h := range []host{newHost(user()), newHost(user(), "CREDENTIALS_DIRECTORY=.")} {
		if got := h.credential("full"); got != "" {
			t.Errorf("without a directory of credentials there is %q", got)
		}
	}
}

func TestRoles(t *testing.T) {
	for _, role := range Roles {
		for _, uid := range []int{0, user()} {
			h := newHost(uid, "HOME=/home/ann")
			state, err := h.state(role)
			if err != nil || filepath.Base(state) != string(role) {
				t.Errorf("state of %s is %q, %v", role, state, err)
			}
			socket, err := h.socket(role)
			if err != nil || filepath.Base(socket) != string(role)+".sock" {
				t.Errorf("socket of %s is %q, %v", role, socket, err)
			}
		}
	}
}

func TestCheckSocket(t *testing.T) {
	dir := t.TempDir()
	longest := filepath.Join(dir, strings.Repeat("s", MaxSocketPath-len(dir)-1))
	if err := CheckSocket(longest); err != nil {
		t.Error(err)
	}
	listen(t, longest) // the kernel agrees
	err := CheckSocket(longest + "s")
	if err == nil {
		t.Fatal("108 bytes are accepted")
	}
	for _, part := range []string{"108 bytes", "107", "--socket"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}
