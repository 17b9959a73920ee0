package resources

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/octaskly/octaskly/internal/procfs"
)

func TestCgroupPaths(t *testing.T) {
	const v1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
	const hybrid = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
	const unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 master:1 - cgroup2 cgroup2 rw\n"
	const bound = "30 23 0:26 /docker/abc /sys/fs/cgroup\\040x rw,nosuid - cgroup2 cgroup2 rw\n"
	tests := []struct {
		name, mountinfo, cgroup string
		want                    []string
	}{
		{"hybrid", v1 + hybrid, "9:name=systemd:/a\n0::/\n", []string{"/sys/fs/cgroup/unified"}},
		{"unified", unified, "0::/system.slice/octasklyd-worker.service\n", []string{"/sys/fs/cgroup/system.slice/octasklyd-worker.service"}},
		{"part of it", bound, "0::/docker/abc/d\n", []string{"/sys/fs/cgroup x/d"}},
		{"another part of it", bound, "0::/docker/abcd\n", nil},
		{"outside of the namespace", unified, "0::/../../init.scope\n", nil},
		{"two mounts", hybrid + unified, "0::/a\n", []string{"/sys/fs/cgroup/unified/a", "/sys/fs/cgroup/a"}},
		{"none", v1, "0::/\n", nil},
		{"version 1 only", v1, "8:pids:/\n", nil},
		{"nonsense", " - cgroup2 \n- cgroup2 x\n", "0::/\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := cgroupPaths(tt.mountinfo, tt.cgroup); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{`/a\040b`: "/a b", `\134`: `\`, `\04`: `\04`, `\999`: `\999`, "": "", `a\`: `a\`} {
		if got := unescape(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

// TestMeddling wants a group to recover from what a command that runs as root can
// do to it.
func TestMeddling(t *testing.T) {
	c, ok := open(t, t.TempDir(), false).(*cgroups)
	if !ok {
		t.Fatal("not a cgroup")
	}
	b := newBench(t, c, "slot")
	path := filepath.Join(c.path, "slot")
	above := filepath.Dir(c.path)
	for name, script := range map[string]string{
		"a group below":   "mkdir below; sleep 1000 & echo $! > below/cgroup.procs",
		"a frozen group":  "sh -c 'echo $$ > " + above + "/cgroup.procs; echo 1 > cgroup.freeze'",
		"a removed group": "echo $$ > " + above + "/cgroup.procs; exec rmdir " + path,
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			output := b.start("cd " + path + " || exit; " + script)
			if name == "a frozen group" {
				for frozen := false; !frozen; {
					var err error
					_, frozen, err = readEvents(b.Group.(*cgroup).events)
					check(t, err)
				}
				check(t, b.Kill())
			}
			b.end()
			if text, _ := os.ReadFile(output); len(text) > 0 {
				t.Fatalf("the script says %q", text)
			}
			b.start("exit 4")
			if leftover, status := b.end(); leftover || status.ExitStatus() != 4 {
				t.Errorf("then: leftover %v, status %v, want false, 4", leftover, status)
			}
		})
	}
}

func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, false)
	g, err := c.Group("slot")
	check(t, err)
	check(t, g.Close())
	check(t, c.Close())
	if _, err := os.Stat(c.(*cgroups).path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the cgroup is still there: %v", err)
	}
}

// TestCopiedState wants a copy of a state directory not to kill what runs under
// the original.
func TestCopiedState(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	b := newBench(t, open(t, dir, false), "slot")
	b.start("exec sleep 1000")
	text, err := os.ReadFile(filepath.Join(dir, placeFile))
	check(t, err)
	check(t, os.WriteFile(filepath.Join(copied, placeFile), text, 0o600))
	open(t, copied, false)
	if p, err := procfs.Read(b.Group.(*cgroup).pid); err != nil || p.Dead {
		t.Errorf("the original's command is dead: %v", err)
	}
	check(t, b.Kill())
	b.end()
}

// TestMakePlace wants a directory beside those that cannot be removed.
func TestMakePlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks")
	for _, want := range []string{path, path + ".1", path + ".2"} {
		if got, err := makePlace(path); got != want || err != nil {
			t.Errorf("place %q, %v; want %q", got, err, want)
		}
	}
}
