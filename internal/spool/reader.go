package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
)

// Reader reads framed bytes from a framed offset on. If it follows, it waits for
// more until the log is closed or ctx ends; else it ends where the log ends now.
// A log with open readers cannot be reset: close them. A reader is for one
// goroutine; another one stops it by ctx.
func (l *Log) Reader(ctx context.Context, from int64, follow bool) io.ReadCloser {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers++
	end := l.size()
	if follow {
		end = math.MaxInt64
	}
	return &reader{log: l, ctx: ctx, offset: max(0, from), end: end}
}

type reader struct {
	log    *Log
	ctx    context.Context
	offset int64
	end    int64
	file   *os.File // its own: that of the log goes with Close
	closed bool
}

func (r *reader) Read(p []byte) (int, error) {
	if r.closed {
		return 0, fmt.Errorf("cannot read output: %w", fs.ErrClosed)
	}
	for r.offset < r.end {
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		p = p[:min(int64(len(p)), r.end-r.offset)]
		n, onDisk, wait := r.log.look(p, r.offset)
		switch {
		case n > 0 || len(p) == 0:
			r.offset += int64(n)
			return n, nil
		case r.offset < onDisk:
			return r.readFile(p[:min(int64(len(p)), onDisk-r.offset)])
		case wait == nil:
			return 0, io.EOF
		}
		select {
		case <-wait:
		case <-r.ctx.Done():
		}
	}
	return 0, io.EOF
}

// look copies what is in memory at offset and says how far the file reaches.
// While neither holds anything at offset, wait is closed when the log changes;
// it is nil when the log is closed.
func (l *Log) look(p []byte, offset int64) (n int, onDisk int64, wait <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case offset < l.onDisk:
		return 0, l.onDisk, nil
	case offset < l.size():
		return copy(p, l.mem[offset-l.onDisk:]), l.onDisk, nil
	case l.closed:
		return 0, l.onDisk, nil
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return 0, l.onDisk, l.changed
}

// readFile reads bytes that the file is known to have.
func (r *reader) readFile(p []byte) (int, error) {
	if r.file == nil {
		f, err := os.Open(r.log.path)
		if err != nil {
			return 0, fmt.Errorf("cannot read output: %w", err)
		}
		r.file = f
	}
	n, err := r.file.ReadAt(p, r.offset)
	r.offset += int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // somebody else has shortened the file
	}
	if err != nil {
		return n, fmt.Errorf("cannot read output: %w", err)
	}
	return n, nil
}

// Close lets go of the log.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.log.mu.Lock()
	r.log.readers--
	r.log.mu.Unlock()
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
