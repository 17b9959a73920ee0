package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func packageVersion(text string) (string, error) {
	out, err := exec.Command("../packaging/version.sh", text).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestPackageVersion(t *testing.T) {
	tests := []struct{ text, want string }{
		{"v1.2.3", "1.2.3"},
		{"1.2.3", "1.2.3"},
		{"v1.2.3-rc1", "1.2.3~rc1"},
		{"v1.2.3-rc.1-5-g0e11d8e", "1.2.3~rc.1+5.g0e11d8e"},
		{"v1.2.3-5-g0e11d8e", "1.2.3+5.g0e11d8e"},
		{"v1.2.3-5-g0e11d8e-dirty", "1.2.3+5.g0e11d8e.dirty"},
		{"v1.2.3-dirty", "1.2.3.dirty"},
		{"0.1.0~git93.20261124.0e11d8e", "0.1.0~git93.20261124.0e11d8e"},
	}
	for _, tt := range tests {
		if got, err := packageVersion(tt.text); got != tt.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"dev", "v1", "v1.2.3 x", "1.2.3/../x", "v1.2.3\n1.2.3", "$(id)"} {
		if got, err := packageVersion(text); err == nil || !strings.Contains(got, "cannot make a version") {
			t.Errorf("%q: %q, %v; want to be refused", text, got, err)
		}
	}
}

// testVersionsSort wants both package managers to take a later version for an
// upgrade, commits of a repository without tags included.
func testVersionsSort(t *testing.T) {
	versions := untaggedVersions(t)
	for _, text := range []string{"v0.1.0-rc1", "v0.1.0-rc1-2-g0000000", "v0.1.0", "v0.1.0-9-gfffffff", "v0.1.0-10-g0000000", "v0.1.1-rc1", "v0.1.1", "v0.10.0"} {
		version, err := packageVersion(text)
		check(t, err)
		versions = append(versions, version)
	}
	for i := 1; i < len(versions); i++ {
		older, newer := versions[i-1], versions[i]
		tool(t, nil, "dpkg", "--compare-versions", older, "lt", newer)
		if out := tool(t, nil, "rpm", "--eval", `%{lua:print(rpm.vercmp("`+older+`", "`+newer+`"))}`); strings.TrimSpace(out) != "-1" {
			t.Errorf("rpm: %s and %s compare to %s", older, newer, out)
		}
	}
}

// untaggedVersions are those of twelve commits of a new repository, all made in
// the same second, so that 9 and 10 are among them and no date helps.
func untaggedVersions(t *testing.T) (versions []string) {
	t.Helper()
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "packaging"), 0o755))
	script := filepath.Join(dir, "packaging/version.sh")
	check(t, os.WriteFile(script, readFile(t, "../packaging/version.sh"), 0o755))
	git := func(args ...string) { tool(t, nil, "git", append([]string{"-C", dir}, args...)...) }
	git("init", "--quiet")
	for range 12 {
		git("-c", "user.name=a", "-c", "user.email=a@example.net", "commit", "--quiet", "--allow-empty", "--message=x", "--date=2026-11-24T12:00:00Z")
		versions = append(versions, strings.TrimSpace(tool(t, nil, script)))
	}
	return versions
}
