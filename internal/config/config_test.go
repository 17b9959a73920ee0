package config

import (
	"os"
	"os/user"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/units"
)

// TestMain keeps the configuration and the users of this machine out of the
// tests.
func TestMain(m *testing.M) {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, envPrefix) {
			os.Unsetenv(name)
		}
	}
	os.Setenv("STATE_DIRECTORY", "/var/lib/o")
	os.Setenv("RUNTIME_DIRECTORY", "/run/o")
	os.Setenv("CONFIGURATION_DIRECTORY", "/nonexistent")
	os.Unsetenv("CREDENTIALS_DIRECTORY")
	here = machineOf(0)
	os.Exit(m.Run())
}

// machineOf is run by a user and has the usual ones.
func machineOf(uid int) machine {
	users := map[string]string{"root": "0", "toor": "0", "ann": "1000", "bob": "1001", "octaskly-worker": "998", "octaskly-task": "997", "odd": "x"}
	return machine{
		uid: uid,
		name: func() string {
			return map[int]string{0: "root", 1000: "ann"}[uid]
		},
		lookup: func(name string) (*user.User, error) {
			if users[name] == "" {
				return nil, user.UnknownUserError(name)
			}
			return &user.User{Username: name, Uid: users[name]}, nil
		},
	}
}

// configDir makes a directory of configuration of name, text pairs and has it
// read by every Load of the test.
func configDir(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(dirs.ConfigVar, dir)
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sameValues compares configurations without regard to their origins.
var sameValues = cmp.Options{cmpopts.IgnoreUnexported(Common{})}

func TestBuiltIn(t *testing.T) {
	d, err := LoadDispatcher(Sources{})
	if err != nil {
		t.Fatal(err)
	}
	want := &Dispatcher{
		Common: Common{StateDir: "/var/lib/o", LogFormat: "text"}, Socket: "/run/o/dispatcher.sock",
		Listen: ":7878",
		QUIC:   true,
		Fleet:  "default", Announce: true,
		Sandbox: "auto", SandboxFloor: "none", Preset: "auto",
		Join:      Join{Key: true},
		Access:    Access{Admins: []string{"root"}, Clients: []string{"*"}},
		Rest:      Rest{Requests: 100, Burst: 200},
		Limits:    Limits{MaxOutput: 64 << 20, MaxQueued: 10_000_000, Lease: 30 * units.Second, CommitLinger: 10 * millisecond, MaxLosses: 5},
		Retention: Retention{Age: 30 * units.Day, Tasks: 2_000_000, Output: 10 * units.GiB, Audit: 365 * units.Day, AuditRows: 5_000_000},
	}
	if diff := cmp.Diff(want, d, sameValues); diff != "" {
		t.Error(diff)
	}
	for _, key := range Keys(dirs.Dispatcher) {
		if got := d.Origin(key).String(); got != "built in" {
			t.Errorf("%s is from %s", key, got)
		}
	}

	w := newWorker()
	host, _ := os.Hostname()
	wantWorker := &Worker{
		Common: Common{StateDir: "/var/lib/o", LogFormat: "text"},
		Socket: "/run/o/worker.sock",
		Name:   host, Transport: "auto",
		Discover: true, Fleet: "default",
		Capacity: Capacity{runtime.NumCPU(), units.CPUs(runtime.NumCPU()) * units.CPU, totalMemory(), 10 * units.Second},
		Boxes:    Boxes{AllowNone: true, FirstUID: 1879048192},
	}
	if diff := cmp.Diff(wantWorker, w, sameValues); diff != "" {
		t.Error(diff)
	}
	if w.Memory < units.MiB {
		t.Errorf("memory is %v by default", w.Memory)
	}

	x, err := LoadExecutor(Sources{})
	if err != nil {
		t.Fatal(err)
	}
	wantExecutor := &Executor{
		Common:     Common{StateDir: "/var/lib/o", LogFormat: "text"},
		Socket:     "/run/o/executor.sock",
		WorkerUser: "octaskly-worker", RunAs: "octaskly-task",
		Capacity: wantWorker.Capacity,
		Boxes:    Boxes{FirstUID: 1879048192, DiskPool: PoolAuto},
	}
	if diff := cmp.Diff(wantExecutor, x, sameValues); diff != "" {
		t.Error(diff)
	}
}

func TestRoleUnknown(t *testing.T) {
	if _, err := Load("janitor", Sources{}); err == nil {
		t.Error("role janitor is configured")
	}
	if keys := Keys("janitor"); keys != nil {
		t.Errorf("role janitor has keys %q", keys)
	}
}

// A field without a key would be ignored in silence, and two keys with one
// name would hide each other.
func TestKeys(t *testing.T) {
	for _, cfg := range []Config{newDispatcher(), newWorker(), newExecutor()} {
		checkTags(t, reflect.TypeOf(cfg).Elem())
	}
	for _, role := range dirs.Roles {
		keys := Keys(role)
		for _, name := range []func(string) string{FlagName, EnvName} {
			var names []string
			for _, key := range keys {
				names = append(names, name(key))
			}
			slices.Sort(names)
			if once := slices.Compact(slices.Clone(names)); len(once) != len(names) {
				t.Errorf("%s: one name twice in %q", role, names)
			}
		}
	}
	if got := FlagName("limits.max_output"); got != "limits-max-output" {
		t.Errorf("flag %q", got)
	}
	if got := EnvName("limits.max_output"); got != "OCTASKLY_LIMITS_MAX_OUTPUT" {
		t.Errorf("variable %q", got)
	}
}

func checkTags(t *testing.T, table reflect.Type) {
	for f := range table.Fields() {
		if f.IsExported() && !f.Anonymous && f.Tag.Get("toml") == "" {
			t.Errorf("%s.%s has no key", table, f.Name)
		}
		if f.Type.Kind() == reflect.Struct {
			checkTags(t, f.Type)
		}
	}
}
