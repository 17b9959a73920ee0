package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// having skips where a tool is missing.
func having(t *testing.T, name, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not here, which would look for mistakes; apt-get install %s installs it", name, pkg)
	}
}

// Systemd understands the examples at their places, beside the units that they are for.
// Those for a newer one than Debian's are read by a newer one.
func TestSystemdExamples(t *testing.T) {
	having(t, "systemd-analyze", "systemd")
	root := t.TempDir()
	units := filepath.Join(root, "lib/systemd/system")
	check(t, os.MkdirAll(units, 0o755))
	for _, name := range unitNames(t, "../packaging/systemd") {
		if filepath.Ext(name) == ".service" || filepath.Ext(name) == ".socket" || filepath.Ext(name) == ".slice" {
			check(t, os.WriteFile(filepath.Join(units, name), readFile(t, "../packaging/systemd/"+name), 0o644))
		}
	}
	addHost(t, root)
	for _, program := range []string{"usr/bin/octasklyd", "usr/libexec/octaskly/octaskly-init"} {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(root, program)), 0o755))
		check(t, os.WriteFile(filepath.Join(root, program), nil, 0o755))
	}
	changed := addExamples(t, units)
	if version := toolVersion(t, "systemd-analyze", "--version"); version >= 253 {
		addReloading(t, units)
	} else {
		t.Logf("notify-reload.conf is not tried: systemd is %d here, and 253 knows it", version)
	}
	verifyUnits(t, root, changed...)
}

func addReloading(t *testing.T, units string) {
	t.Helper()
	for _, role := range []string{"dispatcher", "worker", "executor"} {
		dir := filepath.Join(units, "octasklyd-"+role+".service.d")
		check(t, os.MkdirAll(dir, 0o755))
		check(t, os.WriteFile(filepath.Join(dir, "notify-reload.conf"), readFile(t, "../contrib/systemd/notify-reload.conf"), 0o644))
	}
}

// toolVersion is the first number that a tool says of itself.
func toolVersion(t *testing.T, name string, args ...string) int {
	t.Helper()
	said := tool(t, nil, name, args...)
	n, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(said))
	if err != nil {
		t.Fatalf("%s says %q", name, said)
	}
	return n
}

// What AppArmor's parser before 4 knows of the profile, it understands; a newer one
// all of it. Nothing is given to the kernel.
func TestAppArmorExample(t *testing.T) {
	having(t, "apparmor_parser", "apparmor")
	profile := string(readFile(t, "../contrib/apparmor/octasklyd"))
	if toolVersion(t, "apparmor_parser", "--version") < 4 {
		for _, newer := range []string{"abi <abi/4.0>,\n", "  userns,\n"} {
			if !strings.Contains(profile, newer) {
				t.Errorf("it has no %q", newer)
			}
			profile = strings.Replace(profile, newer, "", 1)
		}
	}
	path := filepath.Join(t.TempDir(), "octasklyd")
	check(t, os.WriteFile(path, []byte(profile), 0o600))
	tool(t, nil, "apparmor_parser", "--skip-kernel-load", "--skip-cache", path)
	if names := tool(t, nil, "apparmor_parser", "--quiet", "--names", path); !strings.HasSuffix("\n"+names, "\noctasklyd\n") {
		t.Errorf("its profiles are %q", names)
	}
}
