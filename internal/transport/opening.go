package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/octaskly/octaskly/internal/security"
)

const (
	magic   = "octsk\x00\x00"
	version = 1

	openingSize = len(magic) + 1 + 1 + 16 + security.ProofSize + 2
)

type kind byte

const (
	kindControl kind = 1
	kindBulk    kind = 2
)

type sessionID [16]byte

// opening is the first that a client says on a connection.
type opening struct {
	kind    kind
	session sessionID // of a bulk channel
	proof   [security.ProofSize]byte
	header  int // length in bytes
}

func (o opening) bytes() []byte {
	b := make([]byte, 0, openingSize)
	b = append(b, magic...)
	b = append(b, version, byte(o.kind))
	b = append(b, o.session[:]...)
	b = append(b, o.proof[:]...)
	return binary.BigEndian.AppendUint16(b, uint16(o.header))
}

// readOpening fails with errForeign, errVersion, errOpening or r's error.
func readOpening(r io.Reader) (opening, error) {
	var b [openingSize]byte
	head, rest := b[:len(magic)+1], b[len(magic)+1:]
	if _, err := io.ReadFull(r, head); err != nil {
		return opening{}, err
	}
	if string(head[:len(magic)]) != magic {
		return opening{}, errForeign
	}
	if head[len(magic)] != version {
		return opening{}, errVersion
	}
	if _, err := io.ReadFull(r, rest); err != nil {
		return opening{}, err
	}
	return parseOpening(rest)
}

func parseOpening(b []byte) (opening, error) {
	o := opening{kind: kind(b[0])}
	b = b[1:]
	b = b[copy(o.session[:], b):]
	b = b[copy(o.proof[:], b):]
	o.header = int(binary.BigEndian.Uint16(b))
	switch {
	case o.kind == kindControl && o.session == sessionID{} && o.header == 0:
	case o.kind == kindBulk && o.header <= MaxHeader:
	default:
		return opening{}, errOpening
	}
	return o, nil
}

// status is the server's first byte.
type status byte

const (
	statusAccepted  status = 1
	statusWrongKey  status = 2
	statusVersion   status = 3
	statusNoSession status = 4
	statusBusy      status = 5
	statusRemoved   status = 6 // to those with certificates only, as is the next
	statusRevoked   status = 7
)

var errNoSession = errors.New("the dispatcher has no such session any more")

// error returns what a status means to the client.
func (s status) error() error {
	switch s {
	case statusAccepted:
		return nil
	case statusWrongKey:
		return ErrWrongKey
	case statusVersion:
		return ErrVersion
	case statusNoSession:
		return errNoSession
	case statusBusy:
		return ErrTooManyBulks
	case statusRemoved:
		return ErrRemoved
	case statusRevoked:
		return ErrRevoked
	default:
		return fmt.Errorf("%w: it answers with status %d", ErrNotDispatcher, s)
	}
}

// answer is what a server says to an opening that it accepts.
type answer struct {
	proof   [security.ProofSize]byte
	session sessionID // of a control channel
}

func (a answer) bytes(k kind) []byte {
	b := append([]byte{byte(statusAccepted)}, a.proof[:]...)
	if k == kindControl {
		b = append(b, a.session[:]...)
	}
	return b
}

// readAnswer fails with a status's error or r's.
func readAnswer(r io.Reader, k kind) (answer, error) {
	var a answer
	var first [1]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		return a, fmt.Errorf("no answer came: %w", err)
	}
	if err := status(first[0]).error(); err != nil {
		return a, err
	}
	if _, err := io.ReadFull(r, a.proof[:]); err != nil || k != kindControl {
		return a, err
	}
	_, err := io.ReadFull(r, a.session[:])
	return a, err
}
