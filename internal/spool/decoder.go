package spool

import (
	"fmt"
	"io"
)

// Chunk is a piece of output, or a mark.
type Chunk struct {
	Stream    Stream
	Data      []byte // nil in a mark
	Discarded int64  // in a mark, the bytes of Stream discarded up to here
}

// Mark reports whether the chunk is a truncation mark.
func (c Chunk) Mark() bool { return c.Data == nil }

func (c Chunk) frameSize() int64 {
	if c.Mark() {
		return markSize
	}
	return int64(headerSize + len(c.Data))
}

// Decoder takes framed bytes apart. It reads ahead.
type Decoder struct {
	r     io.Reader
	buf   []byte // of maxFrame bytes, made with the first chunk
	ahead []byte // the part of buf that is read and not used yet
}

// NewDecoder decodes what r reads.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{r: r} }

// Next is the next chunk; its Data is valid until the following call. After the
// last one the error is [io.EOF], where the bytes end inside a chunk it is
// [io.ErrUnexpectedEOF], and where they are not framed output [ErrCorrupt].
func (d *Decoder) Next() (Chunk, error) {
	if err := d.fill(headerSize); err != nil {
		return Chunk{}, err
	}
	h, err := parseHeader(d.ahead)
	if err != nil {
		return Chunk{}, err
	}
	if err := d.fill(h.frameSize()); err != nil {
		return Chunk{}, err
	}
	c := Chunk{Stream: h.stream}
	body := d.ahead[headerSize:h.frameSize()]
	if !h.mark {
		c.Data = body
	} else if c.Discarded, err = parseTotal(body); err != nil {
		return Chunk{}, err
	}
	d.ahead = d.ahead[h.frameSize():]
	return c, nil
}

// fill reads until n bytes are ahead.
func (d *Decoder) fill(n int) error {
	have := len(d.ahead)
	if have >= n {
		return nil
	}
	if d.buf == nil {
		d.buf = make([]byte, maxFrame)
	}
	copy(d.buf, d.ahead)
	more, err := io.ReadAtLeast(d.r, d.buf[have:], n-have)
	d.ahead = d.buf[:have+more]
	if err == io.EOF && have > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Copy writes the data of each stream to its writer; nil skips the stream. It
// returns how many bytes of the streams that it did not skip had been discarded.
func Copy(stdout, stderr io.Writer, r io.Reader) (truncated int64, err error) {
	to := [...]io.Writer{Stdout: stdout, Stderr: stderr}
	var discarded [len(to)]int64
	d := NewDecoder(r)
	for {
		c, err := d.Next()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return discarded[Stdout] + discarded[Stderr], err
		}
		switch {
		case to[c.Stream] == nil:
		case c.Mark():
			discarded[c.Stream] = c.Discarded
		default:
			if _, err := to[c.Stream].Write(c.Data); err != nil {
				return 0, fmt.Errorf("cannot write %v: %w", c.Stream, err)
			}
		}
	}
}
