package protocol

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// MaxFrame bounds a frame's body in bytes. The largest lawful one carries a
// spec of octaskly.MaxArgs bytes.
const MaxFrame = 4 << 20

// ErrFrame says that the other side does not speak this protocol.
var ErrFrame = errors.New("malformed frame")

var encoding = func() cbor.EncMode {
	mode, err := cbor.EncOptions{Sort: cbor.SortBytewiseLexical, Time: cbor.TimeRFC3339NanoUTC}.EncMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

var decoding = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  8,
		MaxArrayElements: 1 << 17,
		MaxMapPairs:      64,
		UTF8:             cbor.UTF8DecodeInvalid, // argv is bytes, not text
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// Writer writes frames. It is for one goroutine.
type Writer struct {
	w   io.Writer
	buf frameBuffer
}

// frameBuffer collects a length and a body, so that both go out in one write.
type frameBuffer struct{ b []byte }

func (f *frameBuffer) Write(p []byte) (int, error) {
	f.b = append(f.b, p...)
	return len(p), nil
}

// NewWriter returns a Writer on w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// keepBuffer is how much memory an idle Writer or Reader holds on to.
const keepBuffer = 16 << 10

// Write sends message as one frame, with one call of the underlying Write.
func (w *Writer) Write(message any) error {
	w.buf.b = append(w.buf.b[:0], 0, 0, 0, 0)
	if err := encoding.NewEncoder(&w.buf).Encode(message); err != nil {
		return fmt.Errorf("cannot encode %T: %w", message, err)
	}
	n := len(w.buf.b) - 4
	if n > MaxFrame {
		return fmt.Errorf("cannot send %T: %d bytes are more than a frame's %d", message, n, MaxFrame)
	}
	binary.BigEndian.PutUint32(w.buf.b, uint32(n))
	_, err := w.w.Write(w.buf.b)
	if cap(w.buf.b) > keepBuffer {
		w.buf.b = nil
	}
	return err
}

// Reader reads frames. It is for one goroutine.
type Reader struct {
	r   *bufio.Reader
	buf []byte
}

// NewReader returns a Reader on r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 4<<10)} }

// Buffered reports whether more bytes are at hand without waiting.
func (r *Reader) Buffered() bool { return r.r.Buffered() > 0 }

// Read waits for a frame and decodes it into message. It returns io.EOF at a
// clean end, and an error that is ErrFrame for bytes that are no frame of ours.
func (r *Reader) Read(message any) error {
	var head [4]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > MaxFrame {
		return fmt.Errorf("%w: a length of %d bytes", ErrFrame, n)
	}
	body, err := r.body(int(n))
	if err != nil {
		return err
	}
	if err := Unmarshal(body, message); err != nil {
		return fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return nil
}

// body reads n bytes, growing as they arrive: a length alone buys no memory.
func (r *Reader) body(n int) ([]byte, error) {
	if cap(r.buf) > keepBuffer {
		r.buf = nil
	}
	r.buf = r.buf[:0]
	for len(r.buf) < n {
		step := min(n-len(r.buf), max(keepBuffer, len(r.buf)))
		at := len(r.buf)
		r.buf = append(r.buf, make([]byte, step)...)
		if _, err := io.ReadFull(r.r, r.buf[at:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return r.buf, nil
}

// Marshal encodes one message, as for a bulk header.
func Marshal(message any) ([]byte, error) { return encoding.Marshal(message) }

// Unmarshal decodes one message within the limits of this package. What it
// fills shares no memory with data.
func Unmarshal(data []byte, message any) error { return decoding.Unmarshal(data, message) }

// EncodeSpec gives the bytes of a spec that are stored and sent.
func EncodeSpec(spec *octaskly.Spec) ([]byte, error) { return encoding.Marshal(spec) }

// DecodeSpec reads what EncodeSpec gave, for the version written beside it.
func DecodeSpec(version int, data []byte) (*octaskly.Spec, error) {
	if version != octaskly.SpecVersion {
		return nil, fmt.Errorf("cannot read a spec of version %d: this program knows version %d", version, octaskly.SpecVersion)
	}
	spec := new(octaskly.Spec)
	if err := Unmarshal(data, spec); err != nil {
		return nil, fmt.Errorf("cannot read a spec: %w", err)
	}
	return spec, nil
}
