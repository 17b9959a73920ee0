package test

import (
	"bytes"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
)

// TestPackagedConfiguration wants the files in /etc to name every key of their
// role, with the default it has there unless they set another value.
func TestPackagedConfiguration(t *testing.T) {
	for _, role := range []dirs.Role{dirs.Dispatcher, dirs.Worker, dirs.Executor} {
		t.Run(string(role), func(t *testing.T) {
			// As a unit has it, whoever runs the test.
			t.Setenv("STATE_DIRECTORY", "/var/lib/octaskly/"+string(role))
			t.Setenv("XDG_RUNTIME_DIR", "")
			cfg, err := config.Load(role, sourcesOf(role, emptyFile(t)))
			check(t, err)
			var shown bytes.Buffer
			check(t, config.Show(&shown, cfg))
			want := keysOf(shown.String())
			got := keysOf(strings.ReplaceAll(string(readFile(t, "../packaging/etc/"+string(role)+".toml")), "\n#", "\n"))
			for _, key := range []string{"name", "slots", "cpus", "memory", "run_as", "worker_user", "allow_none"} {
				leaveOpen(want, key) // they depend on the machine and on who asks
				leaveOpen(got, key)
			}
			for key, value := range packaged[role] {
				want[key] = value
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("keys (-built in +packaged):\n%s", diff)
			}
		})
	}
}

// packaged are the keys that the files in /etc set.
var packaged = map[dirs.Role]map[string]string{
	dirs.Dispatcher: {"sandbox": `"strict"`, "preset": `"default"`},
	dirs.Worker:     {"executor": `"/run/octaskly/executor.sock"`},
}

// sourcesOf is a file, with users for an executor that this machine has, too.
func sourcesOf(role dirs.Role, file string) config.Sources {
	src := config.Sources{File: file}
	if role != dirs.Executor {
		return src
	}
	if src.Flags = map[string]string{"run_as": "nobody", "worker_user": "daemon"}; os.Geteuid() != 0 {
		me, _ := user.Current()
		src.Flags = map[string]string{"run_as": me.Username, "worker_user": me.Username}
	}
	return src
}

func emptyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "empty.toml")
	check(t, os.WriteFile(path, nil, 0o600))
	return path
}

func leaveOpen(keys map[string]string, key string) {
	if _, ok := keys[key]; ok {
		keys[key] = "any"
	}
}

// keysOf reads the keys and values of a file whose tables come last.
func keysOf(text string) map[string]string {
	keys, table := map[string]string{}, ""
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "  #")
		if name, ok := strings.CutPrefix(line, "["); ok {
			table = strings.TrimSuffix(name, "]") + "."
			continue
		}
		key, value, ok := strings.Cut(line, " = ")
		if ok && !strings.ContainsAny(key, " #") {
			keys[table+key] = strings.TrimSpace(value)
		}
	}
	return keys
}

func TestExampleConfigurations(t *testing.T) {
	paths, err := filepath.Glob("../contrib/config/*.toml")
	check(t, err)
	var roles []string
	for _, path := range paths {
		role, _, _ := strings.Cut(filepath.Base(path), "-")
		roles = append(roles, role)
		if _, err := config.Load(dirs.Role(role), sourcesOf(dirs.Role(role), path)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if want := []string{"dispatcher", "executor", "worker"}; !slices.Equal(roles, want) {
		t.Errorf("examples for %q, want %q", roles, want)
	}
}
