package test

import (
	"archive/tar"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// conffiles are kept when an administrator has changed them.
const conffiles = `/etc/octaskly/dispatcher.toml
/etc/octaskly/executor.toml
/etc/octaskly/worker.toml
/etc/ufw/applications.d/octaskly
`

func testDeb(t *testing.T, deb string) {
	t.Run("contents", func(t *testing.T) {
		files, directories := debContents(t, deb)
		compareContents(t, files, inBoth, inDeb)
		for line := range strings.Lines(strings.TrimSpace(ownDirectories)) {
			if line = strings.TrimSpace(line); !directories[line] {
				t.Errorf("there is no %s", line)
			}
		}
	})
	t.Run("lintian", func(t *testing.T) {
		if out := tool(t, nil, "lintian", "--fail-on", "error,warning", "--allow-root", deb); strings.TrimSpace(out) != "" {
			t.Errorf("lintian says\n%s", out)
		}
	})
	t.Run("control", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "control")
		tool(t, nil, "dpkg-deb", "--control", deb, dir)
		if got := string(readFile(t, filepath.Join(dir, "conffiles"))); got != conffiles {
			t.Errorf("conffiles %q, want %q", got, conffiles)
		}
		testScripts(t, filepath.Join(dir, "postinst"), filepath.Join(dir, "prerm"), filepath.Join(dir, "postrm"))
	})
}

// debContents lists the files, and the set of directories, as `mode path`. All
// must be root's and of one time.
func debContents(t *testing.T, deb string) (files []string, directories map[string]bool) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "dpkg-deb", "--fsys-tarfile", deb)
	out, err := c.StdoutPipe()
	check(t, err)
	check(t, c.Start())
	directories = map[string]bool{}
	archive, all := tar.NewReader(out), time.Time{}
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		check(t, err)
		if all.IsZero() {
			all = header.ModTime
		}
		if header.Uid != 0 || header.Gid != 0 || !header.ModTime.Equal(all) {
			t.Errorf("%s is %d:%d's, of %v; want 0:0, %v", header.Name, header.Uid, header.Gid, header.ModTime, all)
		}
		line := header.FileInfo().Mode().String() + " " + strings.TrimSuffix(strings.TrimPrefix(header.Name, "."), "/")
		if header.Typeflag == tar.TypeDir {
			directories[line] = true
		} else {
			files = append(files, line)
		}
	}
	check(t, c.Wait())
	return files, directories
}

// TestPurge runs what purging does, in a root of its own.
func TestPurge(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{
		"var/lib/octaskly/dispatcher/octaskly.db", "var/lib/octaskly/executor/work/1/x", "var/lib/other/x",
		"etc/octaskly/fleet.key", "etc/octaskly/worker.d/mine.toml", "etc/octaskly/kept.pem",
	} {
		path = filepath.Join(root, path)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, nil, 0o600))
	}
	sh := exec.CommandContext(t.Context(), "/bin/sh", "../packaging/deb/postrm", "purge")
	sh.Env = []string{"DPKG_ROOT=" + root, "PATH=" + pathOf(t, "rm", "rmdir")}
	if out, err := sh.CombinedOutput(); err != nil || len(out) != 0 {
		t.Fatalf("postrm purge: %v\n%s", err, out)
	}
	want := map[string]bool{"var/lib/octaskly": false, "var/lib/other/x": true, "etc/octaskly/fleet.key": false, "etc/octaskly/worker.d": false, "etc/octaskly/kept.pem": true}
	for path, stays := range want {
		if _, err := os.Stat(filepath.Join(root, path)); (err == nil) != stays {
			t.Errorf("%s: %v, want it to stay: %v", path, err, stays)
		}
	}
}

// pathOf is a $PATH with these programs and no others.
func pathOf(t *testing.T, programs ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range programs {
		path, err := exec.LookPath(name)
		check(t, err)
		check(t, os.Symlink(path, filepath.Join(dir, name)))
	}
	return dir
}
