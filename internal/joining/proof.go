package joining

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

// mac is HMAC-SHA256 of label and parts, none of which can pass for another: each has
// its length before it.
func mac(key []byte, label string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	writeParts(h, label, parts)
	return h.Sum(nil)
}

// digest is what a worker's key signs, likewise.
func digest(label string, parts ...[]byte) []byte {
	h := sha256.New()
	writeParts(h, label, parts)
	return h.Sum(nil)
}

func writeParts(h hash.Hash, label string, parts [][]byte) {
	for _, part := range append([][]byte{[]byte(label)}, parts...) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
}

// subject is what is agreed on: this key, to be certified by this authority, on this
// connection.
type subject struct {
	exporter  []byte
	key       [sha256.Size]byte
	authority [sha256.Size]byte
}

func subjectOf(exporter, spki []byte, authority *x509.Certificate) subject {
	return subject{exporter, sha256.Sum256(spki), sha256.Sum256(authority.Raw)}
}

// prove shows that role knows secret: a key that is derived from the fleet key, or an
// invite's.
func (s *subject) prove(secret []byte, role security.Role) []byte {
	return mac(secret, "octaskly joining proof v1", []byte(role), s.exporter, s.key[:], s.authority[:])
}

// proven reports, in constant time, whether proof is what prove returns.
func (s *subject) proven(secret []byte, role security.Role, proof []byte) bool {
	return hmac.Equal(s.prove(secret, role), proof)
}

// keySecret is what the fleet key proves by.
func keySecret(key security.Key) []byte { return key.Derive("octaskly joining v1") }

// commit binds the worker to nonce and hides it.
func (s *subject) commit(nonce []byte) []byte {
	return mac(nonce, "octaskly joining commitment v1", s.exporter, s.key[:], s.authority[:])
}

// claim binds the dispatcher to the code that was typed, and hides it as long as opening
// is secret.
func (s *subject) claim(opening []byte, code Code) []byte {
	return mac(opening, "octaskly joining claim v1", s.exporter, s.key[:], s.authority[:], []byte(code))
}

// code is what people compare: of the worker's nonce and the dispatcher's.
func (s *subject) code(worker, dispatcher []byte, id octaskly.WorkerID, name string) Code {
	sum := mac(slices.Concat(worker, dispatcher), "octaskly code v1", s.exporter, s.key[:], s.authority[:], []byte(id), []byte(name))
	digits := fmt.Sprintf("%06d", binary.BigEndian.Uint64(sum)%1_000_000)
	return Code(digits[:3] + "-" + digits[3:])
}

// is compares in constant time.
func (c Code) is(other Code) bool { return hmac.Equal([]byte(c), []byte(other)) }
