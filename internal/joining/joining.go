package joining

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"io"
	"net"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Way is how a worker joins.
type Way int

// The ways.
const (
	ByKey Way = iota + 1
	ByInvite
	ByApproval
)

// String is the way as the audit log and listings have it.
func (w Way) String() string {
	switch w {
	case ByKey:
		return "key"
	case ByInvite:
		return "invite"
	case ByApproval:
		return "approval"
	}
	return "unknown"
}

// Conn is what the protocol needs of a TLS connection or a QUIC stream. Ask and
// Answer set its deadlines, and leave closing it to the caller.
type Conn interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Application is a worker that wants to join, as the dispatcher hears of it. Who
// sent it has the private key of Key; the rest is only claimed. Its words are
// bounded and printable.
type Application struct {
	ID       octaskly.WorkerID
	Name     string
	Software string
	Way      Way
	Key      *ecdsa.PublicKey // of P-256
	SPKI     []byte           // Key, as a SubjectPublicKeyInfo in DER
	Address  string           // host and port that it comes from

	Authority *x509.Certificate // that the connection shows, and by which it is to be certified
}

// Host is where it comes from, whatever the port.
func (a *Application) Host() string {
	host, _, err := net.SplitHostPort(a.Address)
	if err != nil {
		return a.Address
	}
	return host
}

// KeyHash names the application's key.
func (a *Application) KeyHash() [sha256.Size]byte { return sha256.Sum256(a.SPKI) }

// Applicant is a worker that wants to join, in its own eyes.
type Applicant struct {
	ID       octaskly.WorkerID
	Name     string
	Software string
	Key      *ecdsa.PrivateKey // kept before it asks, so that it asks with the same one again
}

// Door is the worker's end of a connection whose TLS handshake is done and whose
// certificate nobody has verified yet.
type Door struct {
	Conn     Conn
	Exporter []byte   // by security.Exporter
	Chain    [][]byte // that the server has shown, in DER
}

// Visit is the dispatcher's end of such a connection.
type Visit struct {
	Conn      Conn
	Exporter  []byte            // by security.Exporter
	Authority *x509.Certificate // that signed the certificate which this connection shows
	Address   string            // of who has come
}
