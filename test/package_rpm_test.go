package test

import (
	"os"
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
		if out := tool(t, nil, "rpmlint", "-c", "../packaging/rpm/rpmlint.toml", rpm); !strings.Contains(out, " 0 errors, 0 warnings,") {
			t.Error(out)
		}
	})
	t.Run("scripts", func(t *testing.T) { testScripts(t, rpmScripts(t, rpm)...) })
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
