package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"

	"github.com/octaskly/octaskly/internal/security"
)

// proofs are how the sides of one connection show that they know the fleet key. With
// certificates TLS has shown who is there, and they are zeros that nobody looks at.
type proofs struct {
	key      security.Key
	exporter []byte
	spared   bool
}

func (p proofs) of(role security.Role) (proof [security.ProofSize]byte) {
	if p.spared {
		return proof
	}
	return security.Prove(p.key, role, p.exporter)
}

func (p proofs) check(role security.Role, proof [security.ProofSize]byte) bool {
	return p.spared || security.Verify(p.key, role, p.exporter, proof)
}

// proofs are those of a client's connection.
func (c Config) proofs(exporter []byte) proofs {
	return proofs{c.Key, exporter, c.protocol() == byCertificate}
}

// introduce proves to the server on conn that we know the key, and checks that
// it does.
func introduce(conn io.ReadWriter, p proofs, o opening) (sessionID, error) {
	o.proof = p.of(security.Worker)
	if _, err := conn.Write(o.bytes()); err != nil {
		return sessionID{}, explainAnswer(err)
	}
	a, err := readAnswer(conn, o.kind)
	if err != nil {
		return sessionID{}, explainAnswer(err)
	}
	if !p.check(security.Dispatcher, a.proof) {
		return sessionID{}, fmt.Errorf("%w: its proof is wrong", ErrNotDispatcher)
	}
	return a.session, nil
}

// guest is who opens a connection, as TLS says: by a certificate, or not at all.
type guest struct {
	proofs
	former func() []security.Key
	who    *Identity
	admit  func(*Identity) error
}

// guest knows a client by the handshake.
func (c Config) guest(state tls.ConnectionState, exporter []byte) (guest, error) {
	g := guest{proofs: proofs{key: c.Key, exporter: exporter}, former: c.Former, admit: c.Admit}
	if state.NegotiatedProtocol != byCertificate {
		return g, nil
	}
	g.spared = true
	var err error
	g.who, err = identify(state.PeerCertificates, c.Authority.Roots())
	return g, err
}

// knows reports whether a guest knows a key that counts, which is answered by the same one.
func (g *guest) knows(proof [security.ProofSize]byte) bool {
	if g.check(security.Worker, proof) {
		return true
	}
	if g.former == nil {
		return false
	}
	for _, g.key = range g.former() {
		if g.check(security.Worker, proof) {
			return true
		}
	}
	return false
}

// refusal is why a guest who has a certificate is not taken, if so.
func (g guest) refusal(conn io.Writer) error {
	if g.who == nil || g.admit == nil {
		return nil
	}
	switch why := g.admit(g.who); {
	case why == nil:
		return nil
	case errors.Is(why, ErrRemoved):
		return refuse(conn, statusRemoved, fmt.Errorf("%w: %q", errRemoved, g.who.Name))
	default:
		return refuse(conn, statusRevoked, fmt.Errorf("%w: %q: %w", errRevoked, g.who.Name, why))
	}
}

// examine reads a client's opening and checks that it knows the key, or is to be
// admitted. The answer has our proof, and no session yet.
func examine(conn io.ReadWriter, g guest) (opening, answer, error) {
	o, err := readOpening(conn)
	if errors.Is(err, errVersion) {
		return o, answer{}, refuse(conn, statusVersion, err)
	}
	if err != nil {
		return o, answer{}, err
	}
	if !g.knows(o.proof) {
		return o, answer{}, refuse(conn, statusWrongKey, errOtherKey)
	}
	if err := g.refusal(conn); err != nil {
		return o, answer{}, err
	}
	return o, answer{proof: g.of(security.Dispatcher)}, nil
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
