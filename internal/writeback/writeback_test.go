package writeback

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// made is a file that notes for what it waits.
func made(t *testing.T) (f *File, waits *[][2]int64) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	f, waits = New(file, 0), new([][2]int64)
	push := f.push
	f.push = func(from, to int64) error {
		*waits = append(*waits, [2]int64{from, to})
		return push(from, to)
	}
	return f, waits
}

// Never is more of the file on its way than there may be.
func TestWaits(t *testing.T) {
	f, waits := made(t)
	piece := bytes.Repeat([]byte("piece of output\n"), 100<<10/16)
	for range 8 {
		if n, err := f.Write(piece); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	const k = 1 << 10
	if want := [][2]int64{{0, 300 * k}, {300 * k, 600 * k}}; !slices.Equal(*waits, want) {
		t.Errorf("it waits for %v, want %v", *waits, want)
	}
	if err := f.Truncate(500 * k); err != nil {
		t.Fatal(err)
	}
	if n, err := f.WriteAt(bytes.Repeat([]byte{1}, lag), 500*k); n != lag || err != nil {
		t.Fatal(n, err)
	}
	if last := (*waits)[2]; last != [2]int64{500 * k, 500*k + lag} {
		t.Errorf("cut, it waits for %v", last)
	}
	text, err := os.ReadFile(f.Name())
	if want := append(bytes.Repeat(piece, 5), bytes.Repeat([]byte{1}, lag)...); err != nil || !bytes.Equal(text, want) {
		t.Errorf("the file has %d bytes, want %d; %v", len(text), len(want), err)
	}
	if err := f.Sync(); err != nil {
		t.Error(err)
	}
}

// What is lost once is not forgotten.
func TestLost(t *testing.T) {
	f, _ := made(t)
	f.push = func(int64, int64) error { return ErrLost }
	if _, err := f.Write(make([]byte, lag)); !errors.Is(err, ErrLost) {
		t.Errorf("Write: %v", err)
	}
	if n, err := f.Write([]byte{1}); n != 0 || !errors.Is(err, ErrLost) {
		t.Errorf("then: %d, %v", n, err)
	}
	if err := f.Sync(); !errors.Is(err, ErrLost) {
		t.Errorf("Sync: %v", err)
	}
}

// Where there is nothing to wait for, as in a pipe, writing goes on.
func TestUnable(t *testing.T) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	file := os.NewFile(uintptr(fds[1]), "pipe")
	defer file.Close()
	if err := New(file, 0).wait(0, lag); err != nil {
		t.Error(err)
	}
}
