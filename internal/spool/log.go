package spool

import (
	"cmp"
	"sync"
)

// Options say where a log goes and what it keeps.
type Options struct {
	Path  string // of the file, if one is needed
	Limit int64  // bytes kept of each stream; if 0, 64 MiB
	Head  int    // framed bytes held in memory before the file is made; if 0, 64 KiB
	Paced bool   // whoever fills the log waits for the disk (package writeback)
}

// Log is the output of one attempt. One goroutine fills it, by [Log.Append]
// where the command runs or by [Log.WriteFramed] where its log is mirrored, never
// by both; any number read and follow it meanwhile.
//
// Short output never touches the disk: the file is made when the framed bytes
// exceed Head. From then on everything is written through.
type Log struct {
	path  string
	limit int64
	head  int
	paced bool

	// writing is held by whoever changes the log, also while the disk works.
	// It is taken before mu.
	writing sync.Mutex
	file    file // nil until it is made and after Close
	made    bool // there is a file to remove
	synced  syncState
	mirror  mirrorState

	// mu guards what readers see, and is held for moments only. The one who
	// holds writing changes these fields under mu and reads them without.
	mu      sync.Mutex
	onDisk  int64  // the first framed bytes, which readers find in the file
	mem     []byte // and those that follow; never half a chunk
	tallies [Stderr + 1]tally
	err     error
	closed  bool
	readers int
	changed chan struct{} // closed at the next change; nil while nobody waits
}

// tally counts the bytes of one stream.
type tally struct {
	written int64
	dropped int64 // by this log
	noted   int64 // discarded before, as its source or an earlier process marked it
	marked  int64 // what the last mark in this log says
}

func (t tally) discarded() int64 { return min(t.noted+t.dropped, maxTotal-1) }

// Create begins a log. It makes no file yet.
func Create(o Options) *Log {
	return &Log{
		path:  o.Path,
		limit: cmp.Or(o.Limit, 64<<20),
		head:  cmp.Or(o.Head, 64<<10),
		paced: o.Paced,
	}
}

// Reset turns a closed log into a new one at path, with the same bounds and the
// same memory. It reports false and changes nothing while a reader holds the log
// or before it is closed; begin another then. Whoever resets a log must be the
// only one who still knows it, since a reader taken later reads the new output.
func (l *Log) Reset(path string) bool {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed || l.readers > 0 {
		return false
	}
	l.path, l.made, l.synced, l.mirror = path, false, syncState{}, mirrorState{}
	l.onDisk, l.mem, l.tallies, l.err, l.closed = 0, l.mem[:0], [Stderr + 1]tally{}, nil, false
	return true
}

// Size is the number of framed bytes that can be read.
func (l *Log) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size()
}

func (l *Log) size() int64 { return l.onDisk + int64(len(l.mem)) }

// Written is how many bytes of s the log keeps.
func (l *Log) Written(s Stream) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tallies[s].written
}

// Discarded is how many bytes of s are lost, here or where they came from.
func (l *Log) Discarded(s Stream) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tallies[s].discarded()
}

// Err is the error of the disk that truncated the log, if one did.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Bytes is the whole log in framed form, while all of it is in memory. The
// slice stays valid until the log is changed, so close it first. It exceeds
// Head only by marks, or when the file could not be made.
func (l *Log) Bytes() ([]byte, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mem[:len(l.mem):len(l.mem)], l.onDisk == 0
}

// wakeLocked tells followers to look again.
func (l *Log) wakeLocked() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}
