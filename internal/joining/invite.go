package joining

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

const invitePrefix = "octi1."

// InviteID names an invite, and is no secret.
type InviteID [16]byte

// String is the id in hex, as listings have it.
func (id InviteID) String() string { return hex.EncodeToString(id[:]) }

// InviteTerms is what an invite says.
type InviteTerms struct {
	ID        InviteID
	Expires   time.Time         // to the second
	Authority [sha256.Size]byte // the SHA-256 of the authority's certificate
	Name      string            // of the worker that it is for; "": of any
}

// Invite is terms with the dispatcher's word for them, a secret. However it is
// printed, only its id shows.
type Invite struct {
	InviteTerms
	payload []byte
	mac     func() []byte // a func, as in security.Key: fmt prints what is in a struct
}

// NewInvite signs terms by the fleet key.
func NewInvite(key security.Key, terms InviteTerms) (*Invite, error) {
	payload, err := terms.payload()
	if err == nil {
		terms, err = parseTerms(payload) // as a worker will read them
	}
	if err != nil {
		return nil, fmt.Errorf("cannot make an invite: %w", err)
	}
	return newInvite(terms, payload, inviteMAC(key, payload)), nil
}

func newInvite(terms InviteTerms, payload, sum []byte) *Invite {
	return &Invite{terms, payload, func() []byte { return sum }}
}

// inviteMAC is the dispatcher's word for payload, and the secret that proofs are made with.
func inviteMAC(key security.Key, payload []byte) []byte {
	h := hmac.New(sha256.New, key.Derive("octaskly invite v1"))
	h.Write(payload)
	return h.Sum(nil)
}

// Text is the invite as it is handed out: a secret.
func (i *Invite) Text() string {
	return invitePrefix + base64.RawURLEncoding.EncodeToString(append(i.payload[:len(i.payload):len(i.payload)], i.mac()...))
}

// Format writes the id, whatever the verb: the secret never shows.
func (i *Invite) Format(f fmt.State, _ rune) { io.WriteString(f, "invite "+i.ID.String()) }

var errNoInvite = errors.New("cannot read an invite: it is not one word that begins with " + invitePrefix + ", whole as octasklyctl worker invite printed it")

// ParseInvite reads what Text returns, with white space around it. Whether anybody gave
// his word for it shows when it is used. No error quotes it.
func ParseInvite(text string) (*Invite, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), invitePrefix)
	if !ok || len(encoded) > maxInviteText {
		return nil, errNoInvite
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(raw) <= sha256.Size || strings.ContainsAny(encoded, "\r\n") {
		return nil, errNoInvite
	}
	payload, sum := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	terms, err := parseTerms(payload)
	if err != nil {
		return nil, fmt.Errorf("cannot read an invite: %w", err)
	}
	return newInvite(terms, payload, sum), nil
}
