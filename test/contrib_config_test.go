package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/test/cluster"
)

// Every example of a configuration is put where its first line says, and a daemon
// that reads it there does what it says. Flags name what this machine lacks.
func TestConfigurationsAtWork(t *testing.T) {
	tried := map[string]func(*testing.T, *cluster.Cluster){
		"dispatcher-large.toml": largeDispatcher,
		"executor-build.toml":   buildExecutor,
		"worker-shared.toml":    sharedWorker,
	}
	paths, err := filepath.Glob("../contrib/config/*")
	check(t, err)
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			if tried[name] == nil {
				t.Fatal("it is tried in no test")
			}
			c := cluster.Open(t, cluster.Options{})
			place(t, c, path)
			tried[name](t, c)
		})
	}
}

// place copies an example to its place below the cluster's configuration, and has
// octasklyd check it, and say that it has all of it from there.
func place(t *testing.T, c *cluster.Cluster, path string) {
	t.Helper()
	text := string(readFile(t, path))
	first, _, _ := strings.Cut(text, "\n")
	at, ok := strings.CutPrefix(first, "# /etc/octaskly/")
	at, _, _ = strings.Cut(at, ":")
	role, _, below := strings.Cut(at, ".d/")
	if !ok || !below {
		t.Fatalf("the first line does not say where it belongs: %q", first)
	}
	to := filepath.Join(c.Dir, "config", at)
	check(t, os.MkdirAll(filepath.Dir(to), 0o755))
	check(t, os.WriteFile(to, []byte(text), 0o644))
	expect(t, ranTo(octasklydIn(t, c, "config", "check", role)), 0, "", "is fine")
	want, shown := keysOf(text), ""
	delete(want, "run_as") // the environment's
	for line := range strings.Lines(ranTo(octasklydIn(t, c, "config", "show", role)).Stdout) {
		if strings.HasPrefix(line, "[") && !strings.Contains(line, " = ") || strings.Contains(line, to+":") {
			shown += line
		}
	}
	if diff := cmp.Diff(want, keysOf(shown)); diff != "" {
		t.Errorf("what counts of it (-want +got):\n%s", diff)
	}
}

// octasklydIn is the daemon's program in a cluster's surroundings, with users that
// every machine has.
func octasklydIn(t *testing.T, c *cluster.Cluster, args ...string) *exec.Cmd {
	t.Helper()
	programs, err := cluster.Build()
	check(t, err)
	cmd := c.Command(timeout(t))
	cmd.Path, cmd.Args = programs.Daemon, append([]string{programs.Daemon}, args...)
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "OCTASKLY_SOCKET=") })
	cmd.Env = append(cmd.Env, "OCTASKLY_RUN_AS=nobody", "OCTASKLY_WORKER_USER=root")
	return cmd
}

// goOn starts a daemon that runs until the test is over.
func goOn(t *testing.T, like *exec.Cmd) {
	t.Helper()
	var said strings.Builder
	cmd := exec.Command(like.Path, like.Args[1:]...) // its context is over before the test is cleaned up
	cmd.Dir, cmd.Env, cmd.Stderr = like.Dir, like.Env, &said
	check(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%q: %v\n%s", cmd.Args, err, &said)
		}
	})
}

func largeDispatcher(t *testing.T, c *cluster.Cluster) {
	start(t, c.Dispatcher)
	start(t, c.Worker("w1"))
	if fleet := statsOf(t, c).Fleet; fleet != "render" {
		t.Errorf("the fleet is %q", fleet)
	}
	if got := len(must(t, c, "run", "--", "head", "-c", "17000000", "/dev/zero")); got != 16<<20 {
		t.Errorf("of 17 MB come %d bytes", got)
	}
}

func sharedWorker(t *testing.T, c *cluster.Cluster) {
	start(t, c.Dispatcher)
	cmd := octasklydIn(t, c, "worker", "--state-dir", c.Dir+"/w1", "--socket", c.Dir+"/w1.sock", "--join-key-file", c.Dir+"/dispatcher/fleet.key")
	cmd.Env = append(cmd.Env, "OCTASKLY_DISPATCHER="+c.Address())
	goOn(t, cmd)
	expect(t, c.Ctl(timeout(t), "run", "--shell", "echo $OCTASKLY_WORKER"), 0, "rack3-node07\n", "")
}

func buildExecutor(t *testing.T, c *cluster.Cluster) {
	if os.Geteuid() != 0 {
		t.Skip("an executor of its own runs commands as another user, which takes root")
	}
	start(t, c.Dispatcher)
	worker, executor := c.Apart("w1")
	goOn(t, octasklydIn(t, c, "executor", "--state-dir", c.Dir+"/w1-x", "--socket", executor.Socket(), "--disk-pool", "0"))
	awaitSocket(t, executor.Socket())
	start(t, worker)
	if w := page(t, c, "w1"); w.Slots != 6 || w.CPUs != 6 || w.Memory != 24<<30 {
		t.Errorf("it offers %d slots, %v processors, %d bytes", w.Slots, w.CPUs, w.Memory)
	}
	expect(t, c.Ctl(timeout(t), "run", "--sandbox", "none", "--", "id", "-un"), 0, "nobody\n", "")
	expect(t, c.Ctl(timeout(t), "run", "--sandbox", "none", "--cwd", "/tmp", "--", "true"), 125, "", "/srv/build")
}
