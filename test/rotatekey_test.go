package test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
	"github.com/octaskly/octaskly/test/cluster"
)

// rotateKey gives the fleet another key, and starts the dispatcher again with it. It returns a
// file with the key that was there, as it is on other machines.
func rotateKey(t *testing.T, c *cluster.Cluster, flags ...string) (former string) {
	t.Helper()
	file := filepath.Join(c.Dir, "dispatcher", "fleet.key")
	text, err := os.ReadFile(file)
	check(t, err)
	former = filepath.Join(t.TempDir(), "former.key")
	check(t, os.WriteFile(former, text, 0o600))
	_, said, code := daemonTool(t, append(append([]string{"key", "rotate"}, flags...), file)...)
	if code != 0 || !strings.Contains(said, "the next key is fleet-key:") {
		t.Fatalf("it ends with %d, and says:\n%s", code, said)
	}
	check(t, c.Dispatcher.Restart(timeout(t)))
	return former
}

// joins starts a worker with that key, which is taken, and ends it again.
func joins(t *testing.T, c *cluster.Cluster, name, keyFile string) {
	t.Helper()
	w := c.Worker(name, "--join-key-file", keyFile)
	start(t, w)
	awaitLog(t, w, "This worker has joined")
	check(t, w.Stop())
}

// The fleet key rotates while the fleet works: nothing that runs or waits takes notice, and who
// has the former key comes in until the operator says that it is known to others.
func TestRotateKey(t *testing.T) {
	c := dispatcherAlone(t)
	present := filepath.Join(c.Dir, "dispatcher", "fleet.key")
	secret := filepath.Join(t.TempDir(), "secret")
	check(t, os.WriteFile(secret, []byte("from before\n"), 0o600))
	w1 := c.Worker("w1")
	start(t, w1)
	gone := filepath.Join(c.Dir, "gone")
	check(t, syscall.Mkfifo(gone, 0o600))
	running := submit(t, c, "--env", "GONE="+gone, "--shell", "read x < $GONE; echo attempt $OCTASKLY_ATTEMPT")
	awaitState(t, c, running, "running")
	must(t, c, "worker", "drain", "w1")
	waiting := submit(t, c, "--secret-env", "PW="+secret, "--shell", "echo $PW")
	invited := invite(t, c)

	former := rotateKey(t, c)
	awaitLog(t, c.Dispatcher, "A former fleet key lets workers in, too")
	check(t, os.WriteFile(gone, []byte("\n"), 0o600))
	must(t, c, "wait", running)
	if got := must(t, c, "logs", running); got != "attempt 1\n" {
		t.Errorf("what ran meanwhile says %q", got)
	}
	must(t, c, "worker", "resume", "w1")
	must(t, c, "wait", waiting)
	if got := must(t, c, "logs", waiting); got != "from before\n" {
		t.Errorf("what waited has the secret %q", got)
	}
	joins(t, c, "w2", former)
	joins(t, c, "w3", present)
	comesByInvite := unkeyed(c, "w4", "--invite-file", invited)
	start(t, comesByInvite)
	check(t, comesByInvite.Stop())
	entersByKeyAlone(t, c, former, nil)

	leaked := rotateKey(t, c, "--distrust")
	for i, file := range []string{former, leaked} {
		w := c.Worker([]string{"w5", "w6"}[i], "--join-key-file", file)
		check(t, w.Launch())
		awaitLog(t, w, "its fleet key is another one")
		check(t, w.Stop())
		entersByKeyAlone(t, c, file, transport.ErrWrongKey)
	}
	joins(t, c, "w7", present)
	runs(t, c, "w1")

	text, err := os.ReadFile(present)
	check(t, err)
	if keys, said, code := daemonTool(t, "key", "list", present); code != 0 || strings.Count(keys, " no, since ") != 2 || strings.Count(keys, "\n") != 4 {
		t.Errorf("it ends with %d, and lists\n%s%s", code, keys, said)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	check(t, os.WriteFile(present, []byte(line+"\n"), 0o600))
	check(t, c.Dispatcher.Restart(timeout(t)))
	runs(t, c, "w1")
}

// entersByKeyAlone is how workers of earlier versions come.
func entersByKeyAlone(t *testing.T, c *cluster.Cluster, keyFile string, want error) {
	t.Helper()
	key, err := security.LoadKeyFile(keyFile)
	check(t, err)
	for _, by := range []transport.Protocol{transport.TCP, transport.QUIC} {
		link, err := transport.Dial(timeout(t), by, c.Address(), transport.Config{Key: key})
		if !errors.Is(err, want) {
			t.Errorf("by %s with the key alone: %v, want %v", by, err, want)
		}
		if err == nil {
			link.Close()
		}
	}
}

// When both the authority and the key are distrusted, in either order, nobody who knows the former
// key comes in meanwhile: what counts, counts at one start.
func TestDistrustBoth(t *testing.T) {
	for _, keyFirst := range []bool{false, true} {
		c := dispatcherAlone(t)
		state := filepath.Join(c.Dir, "dispatcher")
		present := filepath.Join(state, "fleet.key")
		text, err := os.ReadFile(present)
		check(t, err)
		leaked := filepath.Join(t.TempDir(), "leaked.key")
		check(t, os.WriteFile(leaked, text, 0o600))
		thief, w1 := c.Worker("thief", "--join-key-file", leaked), c.Worker("w1")
		start(t, thief)
		start(t, w1)
		before := authorityOf(t, c, "thief")

		both := []func(){
			func() {
				said, code := dispatcherTool(t, "rotate", state, "--distrust")
				if code != 0 || strings.Contains(said, "systemctl restart octasklyd-dispatcher") != keyFirst {
					t.Errorf("it ends with %d, and says:\n%s", code, said)
				}
			},
			func() {
				if _, said, code := daemonTool(t, "key", "rotate", "--distrust", present); code != 0 {
					t.Errorf("it ends with %d, and says:\n%s", code, said)
				}
			},
		}
		if keyFirst {
			slices.Reverse(both)
		}
		both[0]()
		both[1]()
		check(t, c.Dispatcher.Reload(timeout(t)))
		awaitLog(t, c.Dispatcher, "The fleet key was rotated")
		if authorityOf(t, c, "thief") != before {
			t.Error("a reload lets the thief join anew")
		}
		check(t, c.Dispatcher.Restart(timeout(t)))
		awaitLog(t, thief, "its fleet key is another one")
		awaitSuccess(t, func() bool { return authorityOf(t, c, "w1") != before })
		runs(t, c, "w1")
		if authorityOf(t, c, "thief") != before {
			t.Error("the thief has joined anew")
		}
	}
}
