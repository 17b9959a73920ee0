package test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/cluster"
)

// before is the last commit whose workers and dispatchers knew the fleet key only.
const before = "d29f1bb"

// older builds octasklyd as it was.
func older(t *testing.T) (program string) {
	t.Helper()
	if exec.Command("git", "-C", "..", "cat-file", "-e", before+"^{commit}").Run() != nil {
		t.Skipf("commit %s is not in this clone, which is shallow or has no history: git fetch --unshallow", before)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("git -C .. archive %s | tar -xC %s && cd %s && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o octasklyd ./daemon", before, dir, dir)
	if said, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("cannot build %s: %v\n%s", before, err, said)
	}
	return filepath.Join(dir, "octasklyd")
}

// instead has the daemon of this name be another program.
func instead(program, name string) func(string) []string {
	return func(n string) []string {
		if n != name {
			return nil
		}
		return []string{"sh", "-c", `shift; exec "$0" "$@"`, program}
	}
}

// What came before joining and this go on together, by the fleet key.
func TestOlderPrograms(t *testing.T) {
	program := older(t)
	t.Run("worker", func(t *testing.T) {
		c := cluster.Start(t, cluster.Options{Under: instead(program, "w1")})
		runs(t, c, "w1")
		runsByQUIC(t, c)
		must(t, c, "worker", "remove", "w1")
		awaitLog(t, c.Workers[0], "this worker was removed")
		must(t, c, "worker", "approve", "w1")
		runs(t, c, "w1")
	})
	t.Run("dispatcher", func(t *testing.T) {
		c := cluster.Start(t, cluster.Options{Under: instead(program, "dispatcher")})
		runs(t, c, "w1")
		runsByQUIC(t, c)
		w := unkeyed(c, "w2")
		check(t, w.Launch())
		awaitLog(t, w, "knows no certificates")
	})
}

func runsByQUIC(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	check(t, c.Workers[0].Stop())
	start(t, c.Again(c.Workers[0], "--transport", "quic"))
	runs(t, c, "w1")
	if strings.Contains(c.Workers[0].Logs(), "has joined") {
		t.Error("one of them is not that of before")
	}
}
