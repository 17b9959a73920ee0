package security

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
)

// Role says who makes a proof.
type Role string

// The roles.
const (
	Worker     Role = "worker"
	Dispatcher Role = "dispatcher"
)

// ProofSize is the length of a proof in bytes.
const ProofSize = sha256.Size

// Prove returns the proof that role knows key, for the one connection that
// exporter belongs to.
func Prove(key Key, role Role, exporter []byte) [ProofSize]byte {
	mac := hmac.New(sha256.New, key.Derive("octaskly proof v1"))
	mac.Write([]byte(role))
	mac.Write([]byte{0})
	mac.Write(exporter)
	return [ProofSize]byte(mac.Sum(nil))
}

// Verify reports, in constant time, whether proof is what Prove returns.
func Verify(key Key, role Role, exporter []byte, proof [ProofSize]byte) bool {
	want := Prove(key, role, exporter)
	return hmac.Equal(want[:], proof[:])
}

// Exporter returns the 32 bytes that bind a proof to a connection. It wants TLS
// 1.3, because before that the handshake's master secret could be made the same
// on two connections (RFC 7627 §1).
func Exporter(state tls.ConnectionState) ([]byte, error) {
	if state.Version < tls.VersionTLS13 {
		return nil, errors.New("cannot bind to the connection: it is older than TLS 1.3")
	}
	secret, err := state.ExportKeyingMaterial("EXPORTER-octaskly-fleet-v1", nil, 32)
	if err != nil {
		return nil, fmt.Errorf("cannot bind to the connection: %w", err)
	}
	return secret, nil
}
