// Package frame is the protocol between a virtual machine's host and the agent
// in its guest. It runs commands, several at a time, over one byte stream that
// neither end ever closes; all else, such as files, is done by commands.
//
// A frame is the length of its body (4 bytes, big-endian), the command it
// belongs to (4 bytes), its kind (1 byte), and the body. The host counts
// commands from 1; frames of command 0 are for the agent itself.
//
//	host                                    guest
//	Greet  Greeting as JSON            →
//	                                   ←    Hello   once it has done as the greeting says
//	Start  Spec as JSON                →
//	Stdin  bytes, none for the end     →
//	                                   ←    Taken   the host may send more of Stdin
//	Signal one byte, its number        →
//	                                   ←    Stdout, Stderr   bytes
//	                                   ←    Exit    Status as JSON; the last of a command
//
// Taken keeps a command that does not read from holding up the others. Frames
// to a command that has ended are ignored, because they may have crossed its
// Exit.
package frame

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// Kind says what a frame is about.
type Kind uint8

// The kinds of frames, as the package comment tells.
const (
	Greet Kind = iota + 1
	Hello
	Start
	Stdin
	Taken
	Signal
	Stdout
	Stderr
	Exit
)

// MaxBody bounds a body, in bytes.
const MaxBody = 1 << 20

const headSize = 9

// Frame is one message.
type Frame struct {
	Kind    Kind
	Command uint32
	Body    []byte
}

// Greeting gives a guest, which may have slept in a file for days and may have
// twins, what is its own.
type Greeting struct {
	Time int64  // since 1970, in nanoseconds; 0 leaves the clock alone
	Seed []byte // for the random number generator
	Name string // host name
}

// Spec is a command to be run.
type Spec struct {
	Argv  []string
	Env   []string `json:",omitempty"` // besides PATH, HOME, USER, LOGNAME and LANG
	Dir   string   `json:",omitempty"` // if empty, the user's home
	User  string   `json:",omitempty"` // if empty, the agent's own
	Stdin bool     `json:",omitempty"` // Stdin frames follow; otherwise /dev/null is read
}

// Status is how a command ended.
type Status struct {
	Code  int    // exit code, 128 + N after signal N, or -1 with Error
	Error string `json:",omitempty"` // why it could not be run, or not to its end
}

// Read returns the next frame, and io.EOF where the stream ends between two.
func Read(r io.Reader) (Frame, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Frame{}, err
	}
	size := binary.BigEndian.Uint32(head[:4])
	if size > MaxBody {
		return Frame{}, fmt.Errorf("cannot read frame: a body of %d bytes is longer than %d", size, MaxBody)
	}
	f := Frame{Kind: Kind(head[8]), Command: binary.BigEndian.Uint32(head[4:8])}
	if size == 0 {
		return f, nil
	}
	f.Body = make([]byte, size)
	if _, err := io.ReadFull(r, f.Body); err != nil {
		return Frame{}, fmt.Errorf("cannot read frame: %w", err)
	}
	return f, nil
}

// Writer sends frames. It is for any number of goroutines.
type Writer struct {
	mu sync.Mutex
	w  io.Writer
}

// NewWriter returns a Writer that sends each frame by one call of w.Write.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Send writes one frame.
func (w *Writer) Send(kind Kind, command uint32, body []byte) error {
	if len(body) > MaxBody {
		return fmt.Errorf("cannot send frame: a body of %d bytes is longer than %d", len(body), MaxBody)
	}
	b := make([]byte, 0, headSize+len(body))
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	b = binary.BigEndian.AppendUint32(b, command)
	b = append(b, byte(kind))
	b = append(b, body...)

	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.w.Write(b)
	return err
}

// SendJSON writes one frame with v as its body.
func (w *Writer) SendJSON(kind Kind, command uint32, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.Send(kind, command, body)
}
