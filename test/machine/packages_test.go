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

// packages are built once for all tests.
type packages struct {
	now     string // .deb of this tree
	earlier string // and of an earlier commit, whose programs have other bytes
}

var built = sync.OnceValues(func() (packages, error) {
	root, err := output("git", "rev-parse", "--show-toplevel")
	if err != nil {
		return packages{}, err
	}
	dir, err := os.MkdirTemp("", "octaskly-packages-")
	if err != nil {
		return packages{}, err
	}
	cleanups = append(cleanups, func() { os.RemoveAll(dir) })
	var p packages
	if p.now, err = build(root, filepath.Join(dir, "now"), "2.0.0"); err != nil {
		return p, err
	}
	past, err := checkout(root, filepath.Join(dir, "past"))
	if err != nil {
		return p, err
	}
	p.earlier, err = build(past, filepath.Join(dir, "earlier"), "1.0.0")
	return p, err
})

var cleanups []func()

func TestMain(m *testing.M) {
	code := m.Run()
	for _, f := range cleanups {
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
