package spool

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
)

func newLog(t *testing.T, o Options) *Log {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "log")
	}
	l := Create(o)
	t.Cleanup(func() { must(t, l.Remove()) })
	return l
}

func TestStreamText(t *testing.T) {
	for _, s := range streams {
		if got, err := ParseStream(s.String()); err != nil || got != s {
			t.Errorf("%v: got %v, %v", s, got, err)
		}
	}
	if _, err := ParseStream("stdin"); err == nil {
		t.Error("stdin was taken")
	}
}

func TestFileIsMadeBeyondHead(t *testing.T) {
	l := newLog(t, Options{Head: 100})
	must(t, l.Append(Stdout, make([]byte, 100-headerSize)))
	if exists(l.path) {
		t.Fatal("there is a file for what fits in memory")
	}
	must(t, l.Append(Stdout, nil))
	must(t, l.Sync())
	if exists(l.path) {
		t.Fatal("nothing made a file")
	}
	must(t, l.Append(Stderr, []byte("x")))
	if _, inMemory := l.Bytes(); inMemory || !exists(l.path) {
		t.Fatal("there is no file for what exceeds memory")
	}
}

func TestLimitLeavesMarks(t *testing.T) {
	l := newLog(t, Options{Limit: 5})
	must(t, l.Append(Stdout, []byte("12345")))
	must(t, l.Append(Stderr, []byte("123456789")))
	must(t, l.Append(Stderr, []byte("x")))
	before := l.Size()
	must(t, l.Close())
	want := appendMark(nil, Stderr, 5) // and none for stdout, which fits
	if got := read(t, l, before); !bytes.Equal(got, want) {
		t.Errorf("Close added %x, want %x", got, want)
	}
	if l.Discarded(Stdout) != 0 || l.Discarded(Stderr) != 5 || l.Written(Stderr) != 5 {
		t.Errorf("counted %d, %d, %d", l.Discarded(Stdout), l.Discarded(Stderr), l.Written(Stderr))
	}
}

func TestClosedLog(t *testing.T) {
	l := newLog(t, Options{})
	must(t, l.Close())
	must(t, l.Close())
	must(t, l.Flush())
	if err := l.Append(Stdout, []byte("x")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Append: got %v", err)
	}
	if _, err := l.WriteFramed([]byte("x")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("WriteFramed: got %v", err)
	}
}

func TestAppendToNoStream(t *testing.T) {
	l := newLog(t, Options{})
	for _, s := range []Stream{0, 3, Stdout | markBit} {
		if err := l.Append(s, []byte("x")); err == nil {
			t.Errorf("%v was taken", s)
		}
	}
}

func TestReset(t *testing.T) {
	l := newLog(t, Options{Head: 1, Limit: 2})
	must(t, l.Append(Stdout, []byte("123")))
	if l.Reset("other") {
		t.Fatal("an open log was reset")
	}
	r := l.Reader(context.Background(), 0, false)
	must(t, l.Close())
	if l.Reset("other") {
		t.Fatal("a log with a reader was reset")
	}
	must(t, r.Close())
	must(t, r.Close())
	next := filepath.Join(t.TempDir(), "next")
	must(t, l.Remove())
	if !l.Reset(next) {
		t.Fatal("the log was not reset")
	}
	if l.Size() != 0 || l.Written(Stdout) != 0 || l.Discarded(Stdout) != 0 {
		t.Fatal("something stayed")
	}
	must(t, l.Append(Stderr, []byte("4")))
	if want := appendChunk(nil, Stderr, []byte("4")); !bytes.Equal(read(t, l, 0), want) || !exists(next) {
		t.Fatal("the new log does not work")
	}
}

// An attempt without output, or with little, costs nothing after the first.
func TestShortAttemptsAllocateNothing(t *testing.T) {
	l := newLog(t, Options{Path: "/nowhere/at/all"})
	attempt := func(output []byte) {
		must(t, l.Append(Stdout, output))
		must(t, l.Close())
		l.Bytes()
		must(t, l.Remove())
		if !l.Reset("/nowhere/at/all") {
			t.Fatal("not reset")
		}
	}
	hello := []byte("hello\n")
	attempt(hello)
	if n := testing.AllocsPerRun(100, func() { attempt(nil); attempt(hello) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// An upgrade: one process flushes, the next opens, and no loss is forgotten.
func TestFlushHandsOver(t *testing.T) {
	first := newLog(t, Options{Limit: 5})
	must(t, first.Append(Stdout, []byte("1234567")))
	must(t, first.Flush())
	must(t, first.Flush())
	second, err := Open(first.path, Options{Limit: 5})
	must(t, err)
	must(t, second.Append(Stdout, []byte("89")))
	must(t, second.Append(Stderr, []byte("e")))
	must(t, second.Close())
	want := appendChunk(nil, Stdout, []byte("12345"))
	want = appendMark(want, Stdout, 2)
	want = appendChunk(want, Stderr, []byte("e"))
	want = appendMark(want, Stdout, 4)
	if got := read(t, second, 0); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestFlushOfNothingMakesNoFile(t *testing.T) {
	l := newLog(t, Options{})
	must(t, l.Flush())
	if exists(l.path) {
		t.Error("there is a file")
	}
	if _, err := Open(l.path, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: got %v", err)
	}
}
