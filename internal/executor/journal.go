package executor

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// The journal is rewritten when it is larger than this and mostly dead.
	journalSlack = 1 << 20
	// journalRetry is how long a full disk is left alone.
	journalRetry = time.Second
)

// journal keeps the ends that are not released, in a file of records. It writes
// without fsync: what it holds survives this process, not the machine. A torn
// record, and all behind it, is cut off when the file is loaded.
type journal struct {
	path  string
	slack int64 // journalSlack

	mu      sync.Mutex
	file    *os.File
	size    int64           // of what is good in file
	live    map[uint64]span // ends in file by serial
	bytes   int64           // of them
	pending []*record       // ends that could not be written yet
	failed  time.Time       // when writing failed last; zero: it works
	buf     []byte
}

// span is where a record is in the file.
type span struct{ at, size int64 }

// openJournal returns also the ends that are not released, in the order of their
// serials.
func openJournal(path string) (*journal, []*record, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	j := &journal{path: path, slack: journalSlack, file: f, live: map[uint64]span{}}
	ends, err := j.load()
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("cannot load %q: %w", path, err)
	}
	return j, ends, nil
}

func (j *journal) load() ([]*record, error) {
	ends := map[uint64]*record{}
	in := bufio.NewReaderSize(j.file, 64<<10)
	for {
		r, size, err := readRecord(in)
		if errors.Is(err, errTorn) {
			break
		}
		if err != nil {
			return nil, err
		}
		if r.Finished != nil {
			ends[r.Serial] = r
			j.born(r.Serial, span{j.size, size})
		}
		for _, serial := range r.Released {
			delete(ends, serial)
			j.died(serial)
		}
		j.size += size
	}
	bySerial := func(a, b *record) int { return cmp.Compare(a.Serial, b.Serial) }
	return slices.SortedFunc(maps.Values(ends), bySerial), j.file.Truncate(j.size)
}

func (j *journal) born(serial uint64, s span) {
	j.died(serial)
	j.live[serial] = s
	j.bytes += s.size
}

func (j *journal) died(serial uint64) {
	j.bytes -= j.live[serial].size
	delete(j.live, serial)
}

// add keeps an end. While the disk fails it is kept in memory, and add returns
// the error once.
func (j *journal) add(r *record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = append(j.pending, r)
	if !j.failed.IsZero() && time.Since(j.failed) < journalRetry {
		return nil
	}
	known := !j.failed.IsZero()
	if err := j.flush(); err != nil && !known {
		return err
	}
	return nil
}

// settle has everything in the file, or says why not.
func (j *journal) settle() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.flush()
}

// flush writes what is pending.
func (j *journal) flush() error {
	for i, r := range j.pending {
		s, err := j.write(r)
		if err != nil {
			j.failed = time.Now()
			j.pending = slices.Delete(j.pending, 0, i)
			return err
		}
		j.born(r.Serial, s)
	}
	clear(j.pending)
	j.failed, j.pending = time.Time{}, j.pending[:0]
	return nil
}

// write appends a record. The next one overwrites what a failed write has left.
func (j *journal) write(r *record) (s span, err error) {
	if j.buf, err = appendRecord(j.buf[:0], r); err != nil {
		return s, err
	}
	s = span{j.size, int64(len(j.buf))}
	if _, err := j.file.WriteAt(j.buf, s.at); err != nil {
		return s, fmt.Errorf("cannot write %q: %w", j.path, err)
	}
	j.size += s.size
	return s, nil
}

// release forgets ends. Those whose release cannot be written are reported once
// more by a later process, which does no harm.
func (j *journal) release(serials []uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = slices.DeleteFunc(j.pending, func(r *record) bool { return slices.Contains(serials, r.Serial) })
	serials = slices.DeleteFunc(serials, func(n uint64) bool { return j.live[n].size == 0 })
	for batch := range slices.Chunk(serials, maxRelease) {
		_, _ = j.write(&record{Released: batch})
	}
	for _, n := range serials {
		j.died(n)
	}
	if j.size > j.slack+2*j.bytes {
		_ = j.rewrite() // the old file is still good; the next release tries again
	}
}

// rewrite makes a new file of what is live.
func (j *journal) rewrite() error {
	if len(j.live) == 0 {
		j.size = 0
		return j.file.Truncate(0)
	}
	f, err := os.OpenFile(j.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	moved, size, err := j.copyLive(f)
	if err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	old := j.file
	j.file, j.live, j.size, j.bytes = f, moved, size, size
	return old.Close()
}

func (j *journal) copyLive(to io.Writer) (moved map[uint64]span, size int64, err error) {
	out := bufio.NewWriterSize(to, 64<<10)
	moved = make(map[uint64]span, len(j.live))
	for _, serial := range slices.Sorted(maps.Keys(j.live)) {
		s := j.live[serial]
		if _, err := io.Copy(out, io.NewSectionReader(j.file, s.at, s.size)); err != nil {
			return nil, 0, err
		}
		moved[serial] = span{size, s.size}
		size += s.size
	}
	return moved, size, out.Flush()
}

// close lets the file go. Later calls of add and release change nothing on disk.
func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.flush()
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return errors.Join(err, j.file.Close())
}
