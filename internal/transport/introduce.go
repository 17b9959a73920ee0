package transport

import (
	"errors"
	"fmt"
	"io"

	"github.com/octaskly/octaskly/internal/security"
)

// introduce proves to the server on conn that we know the key, and checks that
// it does.
func introduce(conn io.ReadWriter, key security.Key, exporter []byte, o opening) (sessionID, error) {
	o.proof = security.Prove(key, security.Worker, exporter)
	if _, err := conn.Write(o.bytes()); err != nil {
		return sessionID{}, err
	}
	a, err := readAnswer(conn, o.kind)
	if err != nil {
		return sessionID{}, err
	}
	if !security.Verify(key, security.Dispatcher, exporter, a.proof) {
		return sessionID{}, fmt.Errorf("%w: its proof is wrong", ErrNotDispatcher)
	}
	return a.session, nil
}

// examine reads a client's opening and checks that it knows the key. The answer
// has our proof, and no session yet.
func examine(conn io.ReadWriter, key security.Key, exporter []byte) (opening, answer, error) {
	o, err := readOpening(conn)
	if errors.Is(err, errVersion) {
		return o, answer{}, refuse(conn, statusVersion, err)
	}
	if err != nil {
		return o, answer{}, err
	}
	if !security.Verify(key, security.Worker, exporter, o.proof) {
		return o, answer{}, refuse(conn, statusWrongKey, errOtherKey)
	}
	return o, answer{proof: security.Prove(key, security.Dispatcher, exporter)}, nil
}

func refuse(conn io.Writer, s status, why error) error {
	conn.Write([]byte{byte(s)}) // whether it arrives or not, it is refused
	return why
}

// exchange accepts a bulk channel and reads its header.
func exchange(conn io.ReadWriter, a answer, header []byte) error {
	if _, err := conn.Write(a.bytes(kindBulk)); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, header)
	return err
}
