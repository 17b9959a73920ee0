package joining

import (
	"crypto/sha256"
	"errors"
	"time"
)

// terms is an invite's payload.
type terms struct {
	ID        []byte `cbor:"1,keyasint"`
	Expires   int64  `cbor:"2,keyasint"` // seconds of Unix time
	Authority []byte `cbor:"3,keyasint"`
	Name      string `cbor:"4,keyasint,omitempty"`
}

func (t *InviteTerms) payload() ([]byte, error) {
	return encoding.Marshal(&terms{t.ID[:], t.Expires.Unix(), t.Authority[:], t.Name})
}

func parseTerms(payload []byte) (InviteTerms, error) {
	var t terms
	if err := decoding.Unmarshal(payload, &t); err != nil {
		return InviteTerms{}, errors.New("it is damaged") // the error might quote it
	}
	switch {
	case len(t.ID) != len(InviteID{}) || len(t.Authority) != sha256.Size:
		return InviteTerms{}, errors.New("it is damaged")
	case t.Expires <= 0 || t.Expires > 1<<40:
		return InviteTerms{}, errors.New("it does not end")
	case t.Name != "" && !isWord(t.Name):
		return InviteTerms{}, errors.New("its name is no name of a worker")
	}
	return InviteTerms{InviteID(t.ID), time.Unix(t.Expires, 0), [sha256.Size]byte(t.Authority), t.Name}, nil
}
