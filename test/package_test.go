package test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestPackage builds the packages, looks at all there is in them, and asks
// lintian, rpmlint, shellcheck and systemd what they say. That they work on a
// machine is for the tests in virtual machines.
func TestPackage(t *testing.T) {
	if os.Getenv("OCTASKLY_PACKAGE") != "1" {
		t.Skip("it builds packages, which takes a while: make test-package does it")
	}
	needTools(t, "dpkg", "dpkg-deb", "lintian", "rpm", "rpmlint", "shellcheck", "systemd-analyze", "systemd-sysusers")
	first, second := t.TempDir(), t.TempDir()
	buildPackages(t, first, "TZ=UTC0")
	deb, rpm := onlyFile(t, first, "*.deb"), onlyFile(t, first, "*.rpm")

	t.Run("same inputs, same bytes", func(t *testing.T) {
		buildPackages(t, second, "TZ=Asia/Tokyo", "HOSTNAME=elsewhere", "TMPDIR="+t.TempDir())
		for _, path := range []string{deb, rpm} {
			again := filepath.Join(second, filepath.Base(path))
			if !bytes.Equal(readFile(t, path), readFile(t, again)) {
				t.Errorf("%s and %s differ", path, again)
			}
		}
	})
	t.Run("deb", func(t *testing.T) { testDeb(t, deb) })
	t.Run("rpm", func(t *testing.T) { testRPM(t, rpm) })
	t.Run("octaskly-init", func(t *testing.T) { testInit(t, deb, rpm) })
	t.Run("units", func(t *testing.T) { testUnits(t, deb) })
	t.Run("versions sort", testVersionsSort)
}

func needTools(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Errorf("%s is missing: apt-get install dpkg lintian rpm rpmlint shellcheck systemd", name)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// buildPackages runs the script with another umask than its own.
func buildPackages(t *testing.T, dist string, env ...string) {
	t.Helper()
	tool(t, append(env, "DIST="+dist), "sh", "-c", "umask 077 && exec ../packaging/build.sh")
}

// tool runs a program that has to succeed and returns what it prints.
func tool(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	out, err := try(t, env, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// try returns both streams of a program, and how it ended.
func try(t *testing.T, env []string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(append(os.Environ(), "LC_ALL=C"), env...)
	out, err := c.CombinedOutput()
	return string(out), err
}

func onlyFile(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	check(t, err)
	if len(found) != 1 {
		t.Fatalf("%s in %s: %q, want one", pattern, dir, found)
	}
	return found[0]
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	check(t, err)
	return data
}

// testScripts asks two shells what they think of maintainer scripts.
func testScripts(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		tool(t, nil, "sh", "-n", path)
	}
	tool(t, nil, "shellcheck", append([]string{"--shell=sh"}, paths...)...)
}
