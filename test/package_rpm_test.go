package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func testRPM(t *testing.T, rpm string) {
	t.Run("contents", func(t *testing.T) {
		compareContents(t, rpmQuery(t, rpm, `[%{FILEMODES:perms} %{FILENAMES}\n]`), inBoth, inRPM, ownDirectories, "drwxr-xr-x /usr/share/licenses/octaskly")
	})
	t.Run("owner and time", func(t *testing.T) {
		lines := rpmQuery(t, rpm, `[%{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEMTIMES} %{FILENAMES}\n]`)
		when := strings.Fields(lines[0])[1]
		for _, line := range lines {
			if !strings.HasPrefix(line, "root:root "+when+" ") {
				t.Errorf("%s: want root:root and %s", line, when)
			}
		}
	})
	t.Run("configuration is kept", func(t *testing.T) {
		for _, line := range rpmQuery(t, rpm, `[%{FILEFLAGS:fflags} %{FILEMODES:perms} %{FILENAMES}\n]`) {
			isConfig := strings.Contains(line, " -") && strings.Contains(line, " /etc/")
			if flagged := strings.HasPrefix(line, "cn "); flagged != isConfig {
				t.Errorf("%s: config(noreplace) is %v, want %v", line, flagged, isConfig)
			}
		}
	})
	t.Run("digests", func(t *testing.T) {
		if out := tool(t, nil, "rpm", "--checksig", rpm); !strings.Contains(out, "digests OK") {
			t.Error(out)
		}
	})
	t.Run("rpmlint", func(t *testing.T) {
		if out := tool(t, []string{"PATH=" + tameCpio(t) + ":" + os.Getenv("PATH")}, "rpmlint", "-c", "../packaging/rpm/rpmlint.toml", rpm); !strings.Contains(out, " 0 errors, 0 warnings,") {
			t.Error(out)
		}
	})
	t.Run("scripts", func(t *testing.T) { testScripts(t, rpmScripts(t, rpm)...) })
}

// tameCpio is a directory with a cpio that keeps to where it is. rpmlint unpacks with
// cpio, and the names in an rpm that nfpm made begin with a slash: as root, it
// would install the package on this machine.
func tameCpio(t *testing.T) string {
	t.Helper()
	cpio, err := exec.LookPath("cpio")
	check(t, err)
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "cpio"), []byte("#!/bin/sh\nexec "+cpio+" --no-absolute-filenames \"$@\"\n"), 0o755))
	return dir
}

func rpmQuery(t *testing.T, rpm, format string) []string {
	t.Helper()
	return strings.Split(strings.TrimSpace(tool(t, nil, "rpm", "--query", "--package", "--queryformat", format, rpm)), "\n")
}

// rpmScripts writes the scripts of the package to files.
func rpmScripts(t *testing.T, rpm string) []string {
	t.Helper()
	var paths []string
	for _, tag := range []string{"POSTIN", "PREUN", "POSTUN", "POSTTRANS"} {
		path := filepath.Join(t.TempDir(), tag)
		text := strings.Join(rpmQuery(t, rpm, "%{"+tag+"}"), "\n") + "\n"
		check(t, os.WriteFile(path, []byte(text), 0o600))
		paths = append(paths, path)
	}
	return paths
}
