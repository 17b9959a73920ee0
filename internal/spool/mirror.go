package spool

import (
	"fmt"
	"io"
	"io/fs"
)

// maxMarks bounds the marks of a source, which would otherwise cost nothing of
// its limit. One that goes by our rules needs two for each of its restarts.
const maxMarks = 1024

// mirrorState is what a log knows of its source.
type mirrorState struct {
	used  bool
	part  []byte // the beginning of a chunk
	taken int64  // framed bytes of the source that came as whole chunks
	cut   bool   // a chunk could not be kept
	marks int
}

// WriteFramed adds framed bytes of another log, cut anywhere, so that this one
// becomes its mirror: the same bytes at the same offsets. Readers see whole
// chunks only.
//
// A mirror is always the beginning of its source: from the first chunk that it
// cannot keep, because of its limit or since its disk failed, it counts all that
// follows, and says so when it is closed. That is no error. Bytes that are not
// framed output are [ErrCorrupt], and nothing of that chunk is kept.
func (l *Log) WriteFramed(p []byte) (int, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.closed {
		return 0, fmt.Errorf("cannot mirror output to %q: %w", l.path, fs.ErrClosed)
	}
	l.mirror.used = true
	n := 0
	for n < len(p) {
		used, err := l.take(p[n:])
		if err != nil {
			l.settle()
			return n, fmt.Errorf("cannot mirror output to %q: %w", l.path, err)
		}
		n += used
	}
	l.settle()
	return n, nil
}

// take uses the bytes of p up to the end of a header or of a chunk. After an
// error the chunk's beginning stays in part, and every further call fails too.
func (l *Log) take(p []byte) (int, error) {
	m := &l.mirror
	used := m.fill(p, headerSize)
	if len(m.part) < headerSize {
		return used, nil
	}
	h, err := parseHeader(m.part)
	if err != nil {
		return 0, err
	}
	used += m.fill(p[used:], h.frameSize())
	if len(m.part) < h.frameSize() {
		return used, nil
	}
	if err := l.takeChunk(h, m.part[headerSize:]); err != nil {
		return 0, err
	}
	m.taken += int64(h.frameSize())
	m.part = m.part[:0]
	return used, nil
}

// fill makes part size bytes long, as far as p reaches, and returns how many it
// took.
func (m *mirrorState) fill(p []byte, size int) int {
	n := max(0, min(size-len(m.part), len(p)))
	m.part = append(m.part, p[:n]...)
	return n
}

func (l *Log) takeChunk(h header, body []byte) error {
	if h.mark {
		return l.takeMark(h.stream, body)
	}
	if l.room(h.stream, h.length) < h.length {
		l.mirror.cut = true
	}
	if l.mirror.cut {
		l.drop(h.stream, h.length)
	} else {
		l.keep(h.stream, body)
	}
	return nil
}

func (l *Log) takeMark(s Stream, body []byte) error {
	total, err := parseTotal(body)
	if err != nil {
		return err
	}
	if l.mirror.marks++; l.mirror.marks > maxMarks {
		return fmt.Errorf("%w: more than %d marks", ErrCorrupt, maxMarks)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tallies[s].noted = total
	if l.err != nil || l.mirror.cut {
		return nil
	}
	l.mem = appendMark(l.mem, s, total)
	l.tallies[s].marked = total
	l.wakeLocked()
	return nil
}

// Resume forgets the beginning of a chunk that a broken channel left behind, or
// that was corrupt, and returns the offset at which the source should go on. It
// is the log's Size, and more only where the log could not keep everything.
func (l *Log) Resume() int64 {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mirror.part = l.mirror.part[:0]
	return l.mirror.taken
}

// Framed is the log as a writer, for io.Copy. See [Log.WriteFramed].
func (l *Log) Framed() io.Writer { return framed{l} }

type framed struct{ log *Log }

func (f framed) Write(p []byte) (int, error) { return f.log.WriteFramed(p) }
