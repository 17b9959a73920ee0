package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

func TestEveryCanaryIsTried(t *testing.T) {
	known := map[string]bool{}
	for _, c := range plan.Canaries {
		if known[c.Name] = true; table[c.Name] == nil {
			t.Errorf("canary %q has no check", c.Name)
		}
	}
	for name := range table {
		if !known[name] {
			t.Errorf("check %q is no canary", name)
		}
	}
}

func TestSearch(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, mode os.FileMode) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755), os.WriteFile(filepath.Join(dir, name), nil, mode)); err != nil {
			t.Fatal(err)
		}
	}
	file("a/data", 0o644)
	file("b/data", 0o755)
	file("b/tool", 0o755)
	file("a/only", 0o644)
	file("a/folder/x", 0o644)
	t.Chdir(filepath.Join(dir, "b"))
	path := dir + "/missing:" + dir + "/a:" + dir + "/b"
	for _, tt := range []struct {
		name, path, want string
		err              error
	}{
		{"tool", path, dir + "/b/tool", nil},
		{"data", path, dir + "/b/data", nil},
		{"tool", "/missing:", "./tool", nil},
		{"./any/thing", path, "./any/thing", nil},
		{"only", path, "", unix.EACCES},
		{"nothing", path, "", unix.ENOENT},
		{"folder", path, "", unix.ENOENT},
		{"tool", "", "./tool", nil},
	} {
		if got, err := search(tt.name, tt.path); got != tt.want || err != tt.err {
			t.Errorf("%q in %q is %q, %v; want %q, %v", tt.name, tt.path, got, err, tt.want, tt.err)
		}
	}
}

// pair returns a link and the executor's end of it.
func pair(t *testing.T) (l link, executor int) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(ends[0]); unix.Close(ends[1]) })
	return link{ends[0]}, ends[1]
}

func TestTaskArrivesWithItsDescriptors(t *testing.T) {
	l, executor := pair(t)
	frame := (&plan.Task{Argv: []string{"true"}, Dir: "/work", UID: 1, GID: 2}).Encode()
	go func() {
		for i := range frame { // as slowly as a stream may be
			var rights []byte
			if i == 0 {
				rights = unix.UnixRights(executor, executor)
			}
			_ = unix.Sendmsg(executor, frame[i:i+1], rights, nil, 0)
		}
	}()
	task, given, err := l.task()
	if err != nil || len(given) != 2 || task.GID != 2 {
		t.Fatal(task, given, err)
	}
	for _, fd := range given {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Error("a descriptor would be inherited", err)
		}
		unix.Close(fd)
	}
}

func TestBadPlansAreRefused(t *testing.T) {
	room := (&plan.Room{}).Encode()
	for name, sent := range map[string][]byte{
		"a room instead of a task": room,
		"a signal":                 plan.Signal(9).Encode(),
		"garbage":                  []byte("GET / HTTP/1.1\r\n\r\n"),
		"too long":                 {0, 0, 0, 127, 1, 2},
		"too short":                {1, 0, 0, 0, 1},
		"another version":          {2, 0, 0, 0, plan.Version + 1, 2},
	} {
		l, executor := pair(t)
		if _, err := unix.Write(executor, sent); err != nil {
			t.Fatal(err)
		}
		_, _, err := l.task()
		var failed *plan.Failed
		if !errors.As(err, &failed) || failed.Step != plan.StepPlan {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExecutorGone(t *testing.T) {
	l, executor := pair(t)
	unix.Shutdown(executor, unix.SHUT_WR)
	if _, _, err := l.task(); !errors.Is(err, errLeft) {
		t.Error(err)
	}
}
