package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/octaskly/octaskly/internal/writeback"
)

// file is what a log writes to: an *os.File, or a *writeback.File.
type file interface {
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// syncState is what Sync remembers.
type syncState struct {
	directory bool  // the file's name is durable
	reached   int64 // bytes that are
	err       error // fsync failed once
}

// spill moves what is in memory to the file. Readers find every byte before,
// meanwhile and afterwards. If the disk fails, the log keeps its memory, and
// what follows is dropped.
func (l *Log) spill() error {
	err := l.writeMemory()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.err = fmt.Errorf("cannot keep output: %w", err)
		return l.err
	}
	l.onDisk += int64(len(l.mem))
	l.mem = l.mem[:0]
	return nil
}

func (l *Log) writeMemory() error {
	if len(l.mem) == 0 {
		return nil
	}
	if l.file == nil {
		f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		l.use(f)
	}
	_, err := l.file.WriteAt(l.mem, l.onDisk)
	if errors.Is(err, writeback.ErrLost) {
		l.synced.err = err
	}
	if err != nil {
		// Half a chunk may have arrived. Open cuts it too, if this fails as well.
		_ = l.file.Truncate(l.onDisk)
	}
	return err
}

func (l *Log) use(f *os.File) {
	l.file, l.made = f, true
	if l.paced {
		l.file = writeback.New(f, l.onDisk)
	}
}

func (l *Log) closeFile() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	if err != nil {
		return fmt.Errorf("cannot close output: %w", err)
	}
	return nil
}

// Sync makes the file durable, before or after Close. There is nothing to do
// while the whole log is in memory.
func (l *Log) Sync() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.onDisk == 0 || len(l.mem) > 0 {
		return l.err
	}
	if l.synced.directory && l.synced.reached == l.onDisk {
		return l.synced.err
	}
	// After a failed fsync the kernel takes the lost pages for clean, and the
	// next one succeeds without having written them.
	if l.synced.err == nil {
		l.synced.err = l.sync()
	}
	return l.synced.err
}

func (l *Log) sync() error {
	var err error
	if l.file != nil {
		err = l.file.Sync()
	} else {
		err = syncPath(l.path)
	}
	if err == nil && !l.synced.directory {
		err = syncPath(filepath.Dir(l.path))
		l.synced.directory = err == nil
	}
	l.synced.reached = l.onDisk
	if err != nil {
		return fmt.Errorf("cannot sync output: %w", err)
	}
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// Remove closes the log and deletes its file. Readers that have not opened the
// file yet find it gone.
func (l *Log) Remove() error {
	_ = l.Close() // whatever it could not write is to go anyway
	l.writing.Lock()
	defer l.writing.Unlock()
	if !l.made {
		return nil
	}
	if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove output: %w", err)
	}
	l.made = false
	return nil
}

// Open goes on with a log that an earlier process left in a file; o.Path is
// ignored. A torn end, as a crash leaves it, is cut off, so nobody may be writing
// the file any more. (Just to read a file, [os.Open] and a [Decoder] do.)
func Open(path string, o Options) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open output: %w", err)
	}
	o.Path = path
	l := Create(o)
	if err := l.scan(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot read output: %w", err)
	}
	l.use(f)
	return l, nil
}

// scan counts what is in the file, up to its last whole chunk.
func (l *Log) scan(f *os.File) error {
	d := NewDecoder(f)
	for {
		c, err := d.Next()
		switch {
		case err == io.EOF:
			l.mirror.taken = l.onDisk
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, ErrCorrupt):
			l.mirror.taken = l.onDisk
			return f.Truncate(l.onDisk)
		case err != nil:
			return err
		}
		t := &l.tallies[c.Stream]
		if c.Mark() {
			t.noted, t.marked = c.Discarded, c.Discarded
		}
		t.written += int64(len(c.Data))
		l.onDisk += c.frameSize()
	}
}
