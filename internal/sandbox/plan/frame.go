package plan

import (
	"encoding/binary"
	"errors"
)

// Version is of both ends: they are installed together.
const Version = 1

// MaxFrame bounds a frame without its length, in bytes: a command and its
// environment may have 1 MiB, and ours come on top.
const MaxFrame = 2 << 20

// MaxRecord bounds the frames of octaskly-init.
const MaxRecord = 512

// HeaderSize is how many bytes say how long a frame is.
const HeaderSize = 4

type kind uint8

const (
	kindRoom    kind = 1
	kindTask    kind = 2
	kindSignal  kind = 3
	kindReady   kind = 16
	kindStarted kind = 17
	kindFailed  kind = 18
	kindEnded   kind = 19
)

// ErrMalformed says that bytes are no frame of ours.
var ErrMalformed = errors.New("malformed plan")

// Size reads a frame's length, which is at most limit.
func Size(header []byte, limit int) (int, error) {
	if len(header) < HeaderSize {
		return 0, ErrMalformed
	}
	n := binary.LittleEndian.Uint32(header)
	if n < 2 || n > uint32(limit) {
		return 0, ErrMalformed
	}
	return int(n), nil
}

// writer builds a frame.
type writer struct{ b []byte }

func begin(k kind) *writer {
	return &writer{append(make([]byte, HeaderSize, 512), Version, byte(k))}
}

func (w *writer) frame() []byte {
	binary.LittleEndian.PutUint32(w.b, uint32(len(w.b)-HeaderSize))
	return w.b
}

func (w *writer) u8(v uint8)   { w.b = append(w.b, v) }
func (w *writer) u32(v uint32) { w.b = binary.LittleEndian.AppendUint32(w.b, v) }
func (w *writer) u64(v uint64) { w.b = binary.LittleEndian.AppendUint64(w.b, v) }

func (w *writer) flag(v bool) {
	if v {
		w.u8(1)
	} else {
		w.u8(0)
	}
}

func (w *writer) text(s string) {
	w.u32(uint32(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) texts(list []string) {
	w.u32(uint32(len(list)))
	for _, s := range list {
		w.text(s)
	}
}
