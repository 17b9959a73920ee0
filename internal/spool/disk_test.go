package spool

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/octaskly/octaskly/internal/writeback"
)

// brokenFile is a file on a disk that fails.
type brokenFile struct {
	file
	room    int   // bytes that it takes before writing fails
	lost    error // of the next WriteAt
	syncErr error // of the first Sync
}

func (f *brokenFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.lost; err != nil {
		f.lost = nil
		return 0, err
	}
	n := min(f.room, len(p))
	f.room -= n
	if n, err := f.file.WriteAt(p[:n], off); n < len(p) {
		return n, errors.Join(err, syscall.ENOSPC)
	}
	return n, nil
}

func (f *brokenFile) Sync() error {
	err := f.syncErr
	f.syncErr = nil
	return err
}

// breakDisk gives l a file that takes room more bytes.
func breakDisk(l *Log, room int) *brokenFile {
	f := &brokenFile{file: l.file, room: room}
	l.file = f
	return f
}

// The link keeps a test that removes the log from removing the device.
func TestFullDiskAtFirstWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "full")
	must(t, os.Symlink("/dev/full", path))
	l := newLog(t, Options{Path: path, Head: 10})
	checkFailed(t, l, syscall.ENOSPC)
}

func TestDirectoryIsGone(t *testing.T) {
	l := newLog(t, Options{Path: filepath.Join(t.TempDir(), "gone", "log"), Head: 10})
	checkFailed(t, l, fs.ErrNotExist)
}

// checkFailed fills a log whose file cannot be written.
func checkFailed(t *testing.T, l *Log, cause error) {
	t.Helper()
	must(t, l.Append(Stdout, []byte("in memory")))
	must(t, l.Append(Stderr, []byte("lost")))
	must(t, l.Append(Stdout, []byte("lost too")))
	if !errors.Is(l.Err(), cause) {
		t.Errorf("Err: got %v, want %v", l.Err(), cause)
	}
	if err := l.Close(); !errors.Is(err, cause) {
		t.Errorf("Close: got %v, want %v", err, cause)
	}
	if err := l.Sync(); !errors.Is(err, cause) {
		t.Errorf("Sync: got %v, want %v", err, cause)
	}
	want := appendChunk(nil, Stdout, []byte("in memory"))
	want = appendMark(want, Stdout, 8)
	want = appendMark(want, Stderr, 4)
	if got := read(t, l, 0); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	if l.Written(Stdout) != 9 || l.Discarded(Stdout) != 8 || l.Discarded(Stderr) != 4 {
		t.Error("the counts are wrong")
	}
}

// The disk fills up in the middle of a chunk. The file keeps whole chunks, and
// readers keep what they may have seen.
func TestShortWriteLeavesWholeChunks(t *testing.T) {
	l := newLog(t, Options{Head: 1})
	first, second := []byte("first"), []byte("second")
	must(t, l.Append(Stdout, first))
	want := read(t, l, 0)
	breakDisk(l, 7)
	must(t, l.Append(Stdout, second))
	must(t, l.Append(Stderr, []byte("lost")))

	if onDisk, err := os.ReadFile(l.path); err != nil || !bytes.Equal(onDisk, want) {
		t.Errorf("the file has %x, %v", onDisk, err)
	}
	want = appendChunk(want, Stdout, second)
	if got := read(t, l, 0); !bytes.Equal(got, want) {
		t.Errorf("readers get %x", got)
	}
	if err := l.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Close: got %v", err)
	}
	want = appendMark(want, Stderr, 4)
	if got := read(t, l, 0); !bytes.Equal(got, want) {
		t.Errorf("readers of the closed log get %x", got)
	}
}

// Room that has come back by a Flush is used from then on; what was lost is marked.
func TestFlushTriesTheDiskAgain(t *testing.T) {
	l := newLog(t, Options{Head: 1})
	must(t, l.Append(Stdout, []byte("first")))
	disk := breakDisk(l, 3)
	must(t, l.Append(Stdout, []byte("second")))
	must(t, l.Append(Stdout, []byte("lost")))
	if err := l.Flush(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Flush while the disk is full: %v", err)
	}
	disk.room = 1000
	must(t, l.Flush())
	must(t, l.Append(Stdout, []byte("third")))
	want := appendChunk(nil, Stdout, []byte("first"))
	want = appendChunk(want, Stdout, []byte("second"))
	want = appendMark(want, Stdout, 4)
	want = appendChunk(want, Stdout, []byte("third"))
	if onDisk, err := os.ReadFile(l.path); err != nil || !bytes.Equal(onDisk, want) {
		t.Errorf("the file has %x, %v\nwant %x", onDisk, err, want)
	}
}

// Room that has come back by the end is used for what memory kept.
func TestCloseTriesTheDiskAgain(t *testing.T) {
	l := newLog(t, Options{Head: 1})
	must(t, l.Append(Stdout, []byte("first")))
	disk := breakDisk(l, 3)
	must(t, l.Append(Stdout, []byte("second")))
	must(t, l.Append(Stdout, []byte("lo")))
	disk.room = 1000
	must(t, l.Append(Stdout, []byte("st")))
	if onDisk, err := os.ReadFile(l.path); err != nil || len(onDisk) != headerSize+len("first") {
		t.Errorf("before Close the file has %x, %v", onDisk, err)
	}
	must(t, l.Close())
	must(t, l.Sync())
	if !errors.Is(l.Err(), syscall.ENOSPC) {
		t.Errorf("Err: got %v", l.Err())
	}
	onDisk, err := os.ReadFile(l.path)
	must(t, err)
	got := decode(t, onDisk)
	if got.written(Stdout) != 11 || got.discarded[Stdout] != 4 {
		t.Errorf("the file has %d bytes and %d discarded", got.written(Stdout), got.discarded[Stdout])
	}
}

// Once there is a file, a crash of this process loses nothing of the log.
func TestLogIsWrittenThrough(t *testing.T) {
	l := newLog(t, Options{Head: 100})
	must(t, l.Append(Stdout, make([]byte, 100)))
	checkWrittenThrough(t, l)
	must(t, l.Append(Stderr, []byte("short")))
	checkWrittenThrough(t, l)
}

func TestMirrorIsWrittenThrough(t *testing.T) {
	whole, ends := sample()
	l := newLog(t, Options{Head: ends[2] - 1})
	for i := range ends[1:] {
		_, err := l.WriteFramed(whole[ends[i]:ends[i+1]])
		must(t, err)
		if i > 0 {
			checkWrittenThrough(t, l)
		}
	}
}

func checkWrittenThrough(t *testing.T, l *Log) {
	t.Helper()
	if onDisk, err := os.ReadFile(l.path); err != nil || !bytes.Equal(onDisk, read(t, l, 0)) {
		t.Errorf("the file has %x, %v", onDisk, err)
	}
}

func TestLeftoverIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	must(t, os.WriteFile(path, make([]byte, 1000), 0o600))
	l := newLog(t, Options{Path: path, Head: 1})
	must(t, l.Append(Stdout, []byte("new")))
	checkWrittenThrough(t, l)
}

func TestSync(t *testing.T) {
	l := newLog(t, Options{Head: 1})
	must(t, l.Append(Stdout, []byte("x")))
	must(t, l.Sync())
	must(t, l.Append(Stdout, []byte("y")))
	must(t, l.Close())
	must(t, os.Rename(l.path, l.path+".away"))
	if err := l.Sync(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is gone was synced: %v", err)
	}
}

// What is durable is not waited for again.
func TestSyncOnce(t *testing.T) {
	l := newLog(t, Options{Head: 1})
	must(t, l.Append(Stdout, []byte("x")))
	must(t, l.Sync())
	breakDisk(l, 100).syncErr = syscall.EIO
	must(t, l.Sync())
	must(t, l.Append(Stdout, []byte("y")))
	if err := l.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("what came later: %v", err)
	}
}

func TestFailedSyncStaysFailed(t *testing.T) {
	l := newLog(t, Options{Head: 1})
	must(t, l.Append(Stdout, []byte("x")))
	breakDisk(l, 0).syncErr = syscall.EIO
	for range 2 {
		if err := l.Sync(); !errors.Is(err, syscall.EIO) {
			t.Errorf("got %v", err)
		}
	}
}

// What the disk lost earlier no fsync brings back, though writing goes on.
func TestLostStaysLost(t *testing.T) {
	l := newLog(t, Options{Head: 1, Paced: true})
	must(t, l.Append(Stdout, []byte("x")))
	breakDisk(l, 100).lost = writeback.ErrLost
	must(t, l.Append(Stdout, []byte("y")))
	must(t, l.Flush())
	for range 2 {
		if err := l.Sync(); !errors.Is(err, writeback.ErrLost) {
			t.Errorf("got %v", err)
		}
		must(t, l.Close())
	}
}

// A crash leaves any beginning of the file. Open cuts it to whole chunks, and
// the source goes on from there.
func TestOpenCutsATornChunk(t *testing.T) {
	whole, ends := sample()
	path := filepath.Join(t.TempDir(), "torn")
	for cut := range len(whole) + 1 {
		must(t, os.WriteFile(path, whole[:cut], 0o600))
		l, err := Open(path, Options{})
		must(t, err)
		want := lastEnd(ends, cut)
		if l.Size() != int64(want) || !bytes.Equal(read(t, l, 0), whole[:want]) {
			t.Fatalf("cut at %d: size is %d, want %d", cut, l.Size(), want)
		}
		_, err = l.WriteFramed(whole[l.Resume():])
		must(t, err)
		must(t, l.Close())
		if onDisk, err := os.ReadFile(path); err != nil || !bytes.Equal(onDisk, whole) {
			t.Fatalf("cut at %d: after going on the file has %x, %v", cut, onDisk, err)
		}
	}
}

// Some file systems leave zeros where data had not arrived before a power cut.
func TestOpenCutsZeros(t *testing.T) {
	whole, _ := sample()
	path := filepath.Join(t.TempDir(), "zeros")
	must(t, os.WriteFile(path, append(whole, make([]byte, 100)...), 0o600))
	l, err := Open(path, Options{})
	must(t, err)
	must(t, l.Close())
	if onDisk, err := os.ReadFile(path); err != nil || !bytes.Equal(onDisk, whole) {
		t.Errorf("the file has %x, %v", onDisk, err)
	}
}

// sample is a short log with both streams and a mark, and where its chunks end.
func sample() (framed []byte, ends []int) {
	ends = append(ends, 0)
	add := func(b []byte) { framed, ends = b, append(ends, len(b)) }
	add(appendChunk(framed, Stdout, []byte("out")))
	add(appendChunk(framed, Stderr, []byte("error")))
	add(appendMark(framed, Stderr, 7))
	add(appendChunk(framed, Stdout, []byte("x")))
	return framed, ends
}

// lastEnd is the end of the last chunk that is whole in the first n bytes.
func lastEnd(ends []int, n int) (last int) {
	for _, end := range ends {
		if end <= n {
			last = end
		}
	}
	return last
}
