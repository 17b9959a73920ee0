package executor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestPath(t *testing.T) {
	r := newRig(t, config(t))
	dir := t.TempDir()
	script := func(path, text string, mode os.FileMode) {
		check(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o700))
		check(t, os.WriteFile(filepath.Join(dir, path), []byte("#!/bin/sh\necho "+text+"\n"), 0o600))
		check(t, os.Chmod(filepath.Join(dir, path), mode))
	}
	script("a/tool", "a", 0o600) // not executable: the search goes on
	script("b/tool", "b", 0o700)
	script("c/tool", "c", 0o700)
	check(t, os.MkdirAll(filepath.Join(dir, "d/tool"), 0o700))
	script("tool", "here", 0o700)
	for _, tt := range []struct{ path, command, want string }{
		{"PATH=" + dir + "/a:" + dir + "/b:" + dir + "/c", "tool", "b\n"},
		{"PATH=" + dir + "/d:" + dir + "/c", "tool", "c\n"},
		{"PATH=c:b", "tool", "c\n"},
		{"PATH=/nowhere::/bin", "tool", "here\n"},
		{"PATH=/nowhere", "./tool", "here\n"},
		{"PATH=/nowhere", "b/tool", "b\n"},
		{"PATH=/nowhere", dir + "/c/tool", "c\n"},
	} {
		f := r.run(octaskly.Spec{Argv: []string{tt.command}, Env: []string{tt.path}, Dir: dir})
		wantEnd(t, f, octaskly.Completed, "")
		if stdout, _ := text(t, f.Output); stdout != tt.want {
			t.Errorf("%s with %s says %q, want %q", tt.command, tt.path, stdout, tt.want)
		}
	}
}

// TestProgramsChange wants a program that is replaced by one elsewhere in the path
// found at once, and never one that another path means.
func TestProgramsChange(t *testing.T) {
	cfg := config(t)
	cfg.Slots = 1
	r := newRig(t, cfg)
	dir := t.TempDir()
	tool := func(where string) string {
		path := filepath.Join(dir, where, "tool")
		check(t, os.MkdirAll(filepath.Dir(path), 0o700))
		check(t, os.WriteFile(path, []byte("#!/bin/sh\necho "+where+"\n"), 0o700))
		return path
	}
	first := tool("a")
	tool("b")
	both := "PATH=" + dir + "/a:" + dir + "/b"
	for _, tt := range []struct{ path, want string }{
		{both, "a\n"},
		{both, "a\n"},
		{"PATH=" + dir + "/b:" + dir + "/a", "b\n"},
		{both, "a\n"},
		{"", "b\n"}, // the first one is gone
	} {
		if tt.path == "" {
			check(t, os.Remove(first))
			tt.path = both
		}
		f := r.run(octaskly.Spec{Argv: []string{"tool"}, Env: []string{tt.path}})
		if stdout, _ := text(t, f.Output); stdout != tt.want {
			t.Errorf("with %s: %q, want %q", tt.path, stdout, tt.want)
		}
	}
	check(t, os.Remove(filepath.Join(dir, "b/tool")))
	f := r.run(octaskly.Spec{Argv: []string{"tool"}, Env: []string{both}})
	wantEnd(t, f, octaskly.Failed, "spawn:ENOENT")
}
