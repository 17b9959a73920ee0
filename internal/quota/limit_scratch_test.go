package quota

import (
	"os"
	"path/filepath"
	"testing"
)

func TestScratchBytes(t *testing.T) { bytesAreBounded(newLab(t), "EDQUOT") }

// bytesAreBounded works where a pool or the file system bounds.
func bytesAreBounded(l lab, errno string) {
	d := l.open()
	defer d.Close()
	one := l.bounded(d, "one", 1001, 2*mib)
	two := l.bounded(d, "two", 1002, 2*mib)
	l.full(d, 1001, false)
	if n := l.writes(one+"/a", 3*mib, errno); n < 2*mib-1<<16 || n > 2*mib {
		l.Errorf("%d bytes are written", n)
	}
	l.full(d, 1001, true)
	l.full(d, 1002, false)
	if n := l.usage(d, 1001); n < 2*mib-int64(d.block) || n > 2*mib {
		l.Errorf("the usage is %d", n)
	}
	l.writes(two+"/a", mib, "")
	if n := l.usage(d, 1002); n < mib || n > mib+1<<16 {
		l.Errorf("the other's usage is %d", n)
	}
	does(l, alice, "mkdir", two+"/b/c")
	l.writes(two+"/b/c/d", 2*mib, errno)

	l.check(os.RemoveAll(one))
	l.settles(func() bool { return l.usage(d, 1001) == 0 }, "after its removal it has usage") // XFS frees in the background
	l.check(d.Release(1001))
	one = l.bounded(d, "one", 1001, 0)
	l.writes(one+"/a", 4*mib, "")
	if n := l.usage(d, 1001); n < 4*mib || n > 4*mib+1<<16 {
		l.Errorf("without limit, the usage is %d", n)
	}
	l.full(d, 1001, false)
	l.check(os.RemoveAll(one))
	l.check(os.RemoveAll(two))
	l.check(d.Release(1002))
}

func TestScratchInodes(t *testing.T) { inodesAreBounded(newLab(t), "EDQUOT") }

func inodesAreBounded(l lab, errno string) {
	d := l.open()
	defer d.Close()
	dir := l.bounded(d, "many", 1003, 4*mib)
	if n, got := does(l, alice, "create", dir, "2000"); n != fewestInodes-1 || got != errno {
		l.Errorf("%d files and %q", n, got)
	}
	l.full(d, 1003, true)
	l.check(os.Remove(dir + "/7"))
	l.settles(func() bool { full, err := d.Full(1003); return err == nil && !full }, "one less is still too many")
	l.check(os.RemoveAll(dir))
	l.check(d.Release(1003))
}

func TestScratchProjectsAreApart(t *testing.T) { projectsAreApart(newLab(t)) }

func projectsAreApart(l lab) {
	d := l.open()
	defer d.Close()
	one, two := l.bounded(d, "one", 1004, mib), l.bounded(d, "two", 1005, mib)
	l.writes(one+"/a", 100, "")
	does(l, alice, "mkdir", one+"/d")
	for _, act := range [][]string{{"link", one + "/a", two + "/a"}, {"rename", one + "/a", two + "/a"}, {"rename", one + "/d", two + "/d"}} {
		if _, errno := does(l, alice, act...); errno != "EXDEV" {
			l.Errorf("%v: %q", act, errno)
		}
	}
	for _, act := range [][]string{{"link", one + "/a", one + "/b"}, {"rename", one + "/a", one + "/d/a"}} {
		if _, errno := does(l, alice, act...); errno != "" {
			l.Errorf("%v: %q", act, errno)
		}
	}
}

// A tree that has been bounded stays so, and one can be given another limit.
func TestScratchBoundAgain(t *testing.T) {
	l := newLab(t)
	d := l.open()
	defer d.Close()
	dir := l.bounded(d, "one", 1006, mib)
	l.writes(dir+"/a", 2*mib, "EDQUOT")
	file, err := os.Open(dir)
	l.check(err)
	defer file.Close()
	l.check(d.Bound(int(file.Fd()), 1006, 4*mib))
	l.full(d, 1006, false)
	l.writes(dir+"/b", 2*mib, "")
}

func TestScratchBoundRefuses(t *testing.T) {
	l := newLab(t)
	d := l.open()
	defer d.Close()
	outside, err := os.Open(l.base)
	l.check(err)
	defer outside.Close()
	l.check(os.WriteFile(filepath.Join(l.dir, "file"), nil, 0o600))
	file, err := os.Open(filepath.Join(l.dir, "file"))
	l.check(err)
	defer file.Close()
	inside, err := os.Open(l.dir)
	l.check(err)
	defer inside.Close()
	for _, tt := range []struct {
		name    string
		file    *os.File
		project uint32
		bytes   int64
	}{
		{"outside", outside, 1007, mib}, {"a file", file, 1007, mib}, {"project 0", inside, 0, mib}, {"negative", inside, 1007, -1},
	} {
		if err := d.Bound(int(tt.file.Fd()), tt.project, tt.bytes); err == nil {
			t.Errorf("%s is taken", tt.name)
		}
	}
}
