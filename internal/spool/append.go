package spool

import (
	"fmt"
	"io/fs"
)

// Append adds what was read from a stream. What the log cannot keep, because of
// its limit or since its disk failed, is counted and no error: the command that
// writes must go on. See [Log.Discarded] and [Log.Err]. Append fails on a closed
// log, with [fs.ErrClosed], and on a stream that is none.
func (l *Log) Append(s Stream, p []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	switch {
	case l.closed:
		return fmt.Errorf("cannot append to output %q: %w", l.path, fs.ErrClosed)
	case !s.valid():
		return fmt.Errorf("cannot append to output %q: there is no %v", l.path, s)
	}
	for len(p) > 0 {
		n := min(len(p), MaxChunk)
		room := l.room(s, n)
		l.keep(s, p[:room])
		l.drop(s, n-room)
		p = p[n:]
	}
	l.settle()
	return nil
}

// room is how many of the next n bytes of s the log can keep.
func (l *Log) room(s Stream, n int) int {
	if l.err != nil {
		return 0
	}
	return int(max(0, min(int64(n), l.limit-l.tallies[s].written)))
}

// keep adds a chunk of data, if there is any.
func (l *Log) keep(s Stream, data []byte) {
	if len(data) == 0 {
		return
	}
	l.mu.Lock()
	l.mem = appendChunk(l.mem, s, data)
	l.tallies[s].written += int64(len(data))
	l.wakeLocked()
	l.mu.Unlock()
	if len(l.mem) > l.head {
		l.spill()
	}
}

// drop counts n bytes of s that are lost.
func (l *Log) drop(s Stream, n int) {
	if n == 0 {
		return
	}
	l.mu.Lock()
	l.tallies[s].dropped += int64(n)
	l.mu.Unlock()
}

// settle writes through what was added to a log that has a file.
func (l *Log) settle() {
	if l.file != nil && l.err == nil {
		l.spill()
	}
}

// markDiscards adds a mark for each stream whose losses the log does not tell.
func (l *Log) markDiscards() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range streams {
		t := &l.tallies[s]
		if total := t.discarded(); total != t.marked {
			l.mem = appendMark(l.mem, s, total)
			t.marked = total
			l.wakeLocked()
		}
	}
}

// Flush writes what is in memory to the file, which it makes if it must, and
// marks what was discarded so far: [Open] can then go on in another process. A
// log without output gets no file. Where the disk had failed it is tried once
// more, and the log goes on if it works.
func (l *Log) Flush() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.closed || l.err != nil && l.mirror.used {
		return l.err
	}
	l.mu.Lock()
	l.err = nil
	l.mu.Unlock()
	// A mirror stays the beginning of its source until it is closed.
	if !l.mirror.used {
		l.markDiscards()
	}
	return l.spill()
}

// Close marks what was discarded, says that no more will come and lets the file
// go. When the disk had failed it is tried once more. It is safe to close twice.
func (l *Log) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.closed {
		return nil
	}
	l.markDiscards()
	var err error
	if l.file != nil || l.err != nil {
		err = l.spill()
	}
	if closeErr := l.closeFile(); err == nil {
		err = closeErr
	}
	l.mirror.part = nil
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wakeLocked()
	return err
}
