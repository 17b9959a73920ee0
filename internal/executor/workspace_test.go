package executor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestWorkspaceIsEmpty(t *testing.T) {
	cfg := config(t)
	cfg.Slots = 1
	r := newRig(t, cfg)
	outside := t.TempDir()
	precious := filepath.Join(outside, "precious")
	check(t, os.WriteFile(precious, []byte("x"), 0o600))
	path := r.path("work/slot-0")
	for name, script := range map[string]string{
		"nothing":            "true",
		"a file":             "touch a",
		"made and removed":   "touch a; rm a",
		"hidden":             "touch .a",
		"a tree":             "mkdir -p a/b/c; touch a/b/c/d; mkfifo a/f",
		"links out":          "ln -s " + outside + " link; ln -s " + precious + " file; ln " + precious + " hard; mkdir d; ln -s " + outside + " d/link",
		"read-only":          "mkdir -p a/b; touch a/b/c; chmod 0 a/b a; chmod 0 .",
		"mode":               "chmod 777 .",
		"removed":            "rmdir $PWD",
		"moved":              "mv $PWD $PWD.moved",
		"replaced by a file": "rmdir $PWD; echo x > $PWD",
		"replaced by a link": "rmdir $PWD; ln -s " + outside + " $PWD",
		"replaced":           "mv $PWD " + outside + "/gone; mkdir $PWD",
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			wantEnd(t, r.run(shell(script)), octaskly.Completed, "")
			f := r.run(shell("ls -A; pwd; stat -c %a ."))
			wantEnd(t, f, octaskly.Completed, "")
			if stdout, _ := text(t, f.Output); stdout != path+"\n700\n" {
				t.Errorf("the next command finds %q", stdout)
			}
			if _, err := os.Stat(precious); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestWorkspaceIsUsedAgain(t *testing.T) {
	cfg := config(t)
	cfg.Slots = 1
	r := newRig(t, cfg)
	inode := func() string {
		stdout, _ := text(t, r.run(octaskly.Spec{Argv: []string{"stat", "-c", "%i", "."}}).Output)
		return stdout
	}
	first := inode()
	for range 5 {
		if again := inode(); again != first {
			t.Errorf("inode %q after %q", again, first)
		}
	}
}

// TestUntouched is about a command that leaves a mark at a time when a file
// system's clock may not have moved on.
func TestUntouched(t *testing.T) {
	w := &workspace{name: "w", path: filepath.Join(t.TempDir(), "w"), fd: -1}
	check(t, w.make())
	defer w.close()
	soon := time.Unix(w.made.Ctim.Unix()).Add(time.Millisecond)
	later := soon.Add(time.Hour)
	if !w.untouched(soon) || !w.untouched(later) {
		t.Error("a new workspace counts as touched")
	}
	check(t, os.WriteFile(filepath.Join(w.path, "x"), nil, 0o600))
	check(t, unix.Fstat(w.fd, &w.made)) // as if its clock had stood still
	if w.untouched(time.Unix(w.made.Ctim.Unix()).Add(time.Millisecond)) {
		t.Error("a workspace with a file in it counts as untouched")
	}
}

func TestStaleWorkspaces(t *testing.T) {
	cfg := config(t)
	stale := filepath.Join(cfg.Dir, "work", "slot-9", "a")
	check(t, os.MkdirAll(stale, 0o700))
	check(t, os.Chmod(stale, 0))
	r := newRig(t, cfg)
	found, err := filepath.Glob(r.path("work/*"))
	if err != nil || strings.Contains(strings.Join(found, " "), "slot-9") {
		t.Errorf("after a restart there is %q, %v", found, err)
	}
}
