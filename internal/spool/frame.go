package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCorrupt says that bytes are not framed output.
var ErrCorrupt = errors.New("not framed output")

// MaxChunk is the most data that one chunk carries.
const MaxChunk = 64 << 10

const (
	headerSize = 5
	totalSize  = 8
	markSize   = headerSize + totalSize
	maxFrame   = headerSize + MaxChunk
	maxTotal   = 1 << 62 // so that totals can be added

	markBit = 0x80
)

// Stream is one of the two outputs of a command.
type Stream byte

const (
	Stdout Stream = 1
	Stderr Stream = 2
)

var streams = []Stream{Stdout, Stderr}

func (s Stream) String() string {
	switch s {
	case Stdout:
		return "stdout"
	case Stderr:
		return "stderr"
	}
	return fmt.Sprintf("stream %d", byte(s))
}

// ParseStream reads "stdout" or "stderr".
func ParseStream(text string) (Stream, error) {
	for _, s := range streams {
		if s.String() == text {
			return s, nil
		}
	}
	return 0, fmt.Errorf("cannot read stream %q: want stdout or stderr", text)
}

func (s Stream) valid() bool { return s == Stdout || s == Stderr }

// header is what the first bytes of a chunk say.
type header struct {
	stream Stream
	mark   bool
	length int // of the body
}

// parseHeader reads the first headerSize bytes of b.
func parseHeader(b []byte) (header, error) {
	length := binary.BigEndian.Uint32(b[1:])
	h := header{Stream(b[0] &^ markBit), b[0]&markBit != 0, int(length)}
	fits := length >= 1 && length <= MaxChunk
	if h.mark {
		fits = length == totalSize
	}
	if !h.stream.valid() || !fits {
		return h, fmt.Errorf("%w: a chunk begins with % x", ErrCorrupt, b[:headerSize])
	}
	return h, nil
}

func (h header) frameSize() int { return headerSize + h.length }

// parseTotal reads the body of a mark.
func parseTotal(body []byte) (int64, error) {
	total := binary.BigEndian.Uint64(body)
	if total >= maxTotal {
		return 0, fmt.Errorf("%w: a mark of %d discarded bytes", ErrCorrupt, total)
	}
	return int64(total), nil
}

func appendChunk(to []byte, s Stream, data []byte) []byte {
	to = append(to, byte(s))
	to = binary.BigEndian.AppendUint32(to, uint32(len(data)))
	return append(to, data...)
}

func appendMark(to []byte, s Stream, total int64) []byte {
	to = append(to, byte(s)|markBit)
	to = binary.BigEndian.AppendUint32(to, totalSize)
	return binary.BigEndian.AppendUint64(to, uint64(total))
}
