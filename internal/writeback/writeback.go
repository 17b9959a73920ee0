// Package writeback keeps the disk close behind those who write large files.
//
// Left alone, the kernel keeps what is written in memory for seconds, and then the disk has
// tens of megabytes to do at once: whoever calls fsync meanwhile, for whatever file, waits
// for all of them. A dispatcher commits each task with fdatasync, so its tasks would wait
// for the outputs of others. A [File] starts the writing early and waits for it
// (sync_file_range(2)), so that there is never much; nothing is more durable for that.
package writeback

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lag is how many bytes of a file may wait for the disk.
const lag = 256 << 10

// ErrLost says that the disk did not take what was written before, and that the kernel
// has forgotten it: another fsync would not tell.
var ErrLost = errors.New("the disk lost what was written")

// File is a file that is written from its beginning to its end, by one goroutine.
type File struct {
	*os.File
	reached int64 // by the disk, of what was written
	at      int64 // of Write
	push    func(from, to int64) error
	lost    error
}

// New returns f, of which the disk has at bytes or is about to have them.
func New(f *os.File, at int64) *File {
	file := &File{File: f, reached: at, at: at}
	file.push = file.wait
	return file
}

// Write is WriteAt behind what was written last.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, f.at)
	f.at += int64(n)
	return n, err
}

// WriteAt writes, and then waits until the disk is less than 256 KiB behind. The error is
// ErrLost, from then on, if it cannot get there.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if f.lost != nil {
		return 0, f.lost
	}
	n, err := f.File.WriteAt(p, off)
	if end := off + int64(n); err == nil && end-f.reached >= lag {
		f.lost = f.push(f.reached, end)
		f.reached = end
		err = f.lost
	}
	return n, err
}

// wait returns when the disk has the bytes from one place to another.
func (f *File) wait(from, to int64) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	const all = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	failed := conn.Control(func(fd uintptr) { err = unix.SyncFileRange(int(fd), from, to-from, all) })
	switch {
	case failed != nil:
		return failed
	case errors.Is(err, unix.EIO), errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("%w: %w", ErrLost, err)
	default: // the file system has no such thing, and it is done without
		return nil
	}
}

// Truncate is that of the file.
func (f *File) Truncate(size int64) error {
	f.reached, f.at = min(f.reached, size), min(f.at, size)
	return f.File.Truncate(size)
}

// Sync is that of the file, which does not forget what was lost.
func (f *File) Sync() error {
	return errors.Join(f.lost, f.File.Sync())
}
