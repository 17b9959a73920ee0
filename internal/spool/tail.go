package spool

import (
	"bytes"
	"encoding/binary"
	"io"
)

// maxTail bounds the framed bytes that Tail holds.
const maxTail = 16 << 20

var newline = []byte("\n")

// Tail reads to the end and returns, framed, the last lines of those streams
// that keep wants (nil wants both), followed by their marks. Lines are counted
// as a terminal would show them, both streams together; a last one without its
// newline counts. Of lines that exceed 16 MiB in framed form only the end is
// returned. Tail needs up to five times that memory.
func Tail(r io.Reader, lines int, keep func(Stream) bool) ([]byte, error) {
	t := tail{wanted: max(0, lines)}
	var discarded [Stderr + 1]int64
	d := NewDecoder(r)
	for {
		c, err := d.Next()
		switch {
		case err == io.EOF:
			return t.end(discarded), nil
		case err != nil:
			return nil, err
		case keep != nil && !keep(c.Stream):
		case c.Mark():
			discarded[c.Stream] = c.Discarded
		default:
			t.add(c)
			t.shrink()
		}
	}
}

// tail is a queue of chunks.
type tail struct {
	wanted   int // lines
	buf      []byte
	start    int  // of the first chunk in buf
	newlines int  // in all chunks
	front    int  // newlines in the first chunk
	open     bool // the last line has no newline yet
}

func (t *tail) size() int { return len(t.buf) - t.start }

// first is the data of the first chunk.
func (t *tail) first() []byte {
	length := binary.BigEndian.Uint32(t.buf[t.start+1:])
	return t.buf[t.start+headerSize:][:length]
}

func (t *tail) add(c Chunk) {
	n := bytes.Count(c.Data, newline)
	if t.size() == 0 {
		t.front = n
	}
	t.newlines += n
	t.open = !bytes.HasSuffix(c.Data, newline)
	t.buf = appendChunk(t.buf, c.Stream, c.Data)
}

// surplus is how many lines there are beyond those wanted.
func (t *tail) surplus() int {
	n := t.newlines - t.wanted
	if t.open {
		n++
	}
	return n
}

// shrink drops chunks from the front that no wanted line needs, or that are too
// much to hold.
func (t *tail) shrink() {
	for t.size() > 0 {
		surplus := t.surplus()
		needed := surplus < t.front || surplus == t.front && !bytes.HasSuffix(t.first(), newline)
		if needed && t.size() <= maxTail {
			return
		}
		t.drop()
	}
}

func (t *tail) drop() {
	t.start += headerSize + len(t.first())
	t.newlines -= t.front
	t.front = 0
	if t.size() > 0 {
		t.front = bytes.Count(t.first(), newline)
	}
	if t.start > len(t.buf)/2 {
		t.buf = t.buf[:copy(t.buf, t.buf[t.start:])]
		t.start = 0
	}
}

// end cuts the lines that are not wanted off the first chunk and adds marks.
func (t *tail) end(discarded [Stderr + 1]int64) []byte {
	if t.size() > 0 {
		t.trim()
	}
	out := t.buf[t.start:]
	for _, s := range streams {
		if discarded[s] > 0 {
			out = appendMark(out, s, discarded[s])
		}
	}
	return out
}

// trim shortens the first chunk in place: its header moves up to what remains.
func (t *tail) trim() {
	stream, data := t.buf[t.start], t.first()
	rest := data
	for range t.surplus() {
		_, rest, _ = bytes.Cut(rest, newline)
	}
	t.start += len(data) - len(rest)
	t.buf[t.start] = stream
	binary.BigEndian.PutUint32(t.buf[t.start+1:], uint32(len(rest)))
}
