package machine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The packages are built once for all tests that install them.
var (
	// now is the .deb of this tree.
	now = sync.OnceValues(func() (string, error) {
		root, dir, err := places()
		if err != nil {
			return "", err
		}
		return build(root, filepath.Join(dir, "now"), "2.0.0")
	})
	// earlier is that of an earlier commit, whose programs have other bytes.
	earlier = sync.OnceValues(func() (string, error) {
		root, dir, err := places()
		if err != nil {
			return "", err
		}
		past, err := checkout(root, filepath.Join(dir, "past"))
		if err != nil {
			return "", err
		}
		return build(past, filepath.Join(dir, "earlier"), "1.0.0")
	})
)

// places are this tree and a directory for the time of the tests.
func places() (root, dir string, err error) {
	if root, err = output("git", "rev-parse", "--show-toplevel"); err != nil {
		return "", "", err
	}
	if dir, err = os.MkdirTemp("", "octaskly-packages-"); err == nil {
		cleanups.add(func() { os.RemoveAll(dir) })
	}
	return root, dir, err
}

// cleanups are for what outlives a test.
var cleanups stack

type stack struct {
	sync.Mutex
	todo []func()
}

func (s *stack) add(f func()) {
	s.Lock()
	defer s.Unlock()
	s.todo = append(s.todo, f)
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, f := range cleanups.todo {
		f()
	}
	os.Exit(code)
}

// build returns the .deb that a tree makes of itself.
func build(tree, dist, version string) (string, error) {
	cmd := exec.Command("packaging/build.sh")
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "DIST="+dist, "VERSION="+version, "SOURCE_DATE_EPOCH=1700000000")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build the packages of %q: %w\n%s", tree, err, said)
	}
	found, err := filepath.Glob(filepath.Join(dist, "*.deb"))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("cannot find one .deb in %q: %q", dist, found)
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// checkout unpacks the tree of a commit of some time ago that can be upgraded
// from. A clone without history takes its only commit.
func checkout(root, to string) (string, error) {
	const needed, ago = "daemon/handover.go", 20
	commits, err := output("git", "-C", root, "log", "--format=%H", fmt.Sprintf("--max-count=%d", ago), "HEAD")
	if err != nil {
		return "", err
	}
	list := strings.Fields(commits)
	for i := len(list) - 1; i >= 0; i-- {
		if exec.Command("git", "-C", root, "cat-file", "-e", list[i]+":"+needed).Run() == nil {
			return to, unpack(root, list[i], to)
		}
	}
	return "", errors.New("cannot find an earlier commit to upgrade from")
}

func unpack(root, commit, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	script := `git -C "$1" archive "$2" | tar -x -C "$3"`
	if said, err := exec.Command("bash", "-o", "pipefail", "-c", script, "sh", root, commit, to).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot unpack commit %s: %w\n%s", commit, err, said)
	}
	return nil
}

func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("cannot run %s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
