package joining

import (
	"github.com/fxamacker/cbor/v2"

	"github.com/octaskly/octaskly/internal/octaskly"
)

const version = 1

// fromWorker is one frame of the worker's, with one field set.
type fromWorker struct {
	Apply      *apply `cbor:"1,keyasint,omitempty"` // the first, and only the first
	Commitment []byte `cbor:"2,keyasint,omitempty"` // after Wrong
	Reveal     []byte `cbor:"3,keyasint,omitempty"` // what was committed to
	Pong       bool   `cbor:"4,keyasint,omitempty"`
}

// apply is what the worker wants and by what right.
type apply struct {
	Version    int               `cbor:"1,keyasint"`
	Way        Way               `cbor:"2,keyasint"`
	ID         octaskly.WorkerID `cbor:"3,keyasint"`
	Name       string            `cbor:"4,keyasint"`
	Software   string            `cbor:"5,keyasint"`
	SPKI       []byte            `cbor:"6,keyasint"`
	Signature  []byte            `cbor:"7,keyasint"`           // by the key, of all the above and the connection
	Proof      []byte            `cbor:"8,keyasint,omitempty"` // of the fleet key or an invite
	Invite     []byte            `cbor:"9,keyasint,omitempty"` // its payload
	Commitment []byte            `cbor:"10,keyasint,omitempty"`
}

// toWorker is one frame of the dispatcher's, with one field set.
type toWorker struct {
	Refused *refused `cbor:"1,keyasint,omitempty"`
	Nonce   []byte   `cbor:"2,keyasint,omitempty"`
	Ping    bool     `cbor:"3,keyasint,omitempty"`
	Claim   []byte   `cbor:"4,keyasint,omitempty"` // commitment to the code that was typed
	Wrong   bool     `cbor:"5,keyasint,omitempty"` // it was another code
	Joined  *joined  `cbor:"6,keyasint,omitempty"`
}

type refused struct {
	Why   string `cbor:"1,keyasint"`
	Again bool   `cbor:"2,keyasint,omitempty"`
}

type joined struct {
	Proof       []byte `cbor:"1,keyasint"` // of the fleet key or an invite, or the opening of Claim
	Certificate []byte `cbor:"2,keyasint"` // DER
	Fleet       string `cbor:"3,keyasint"`
}

var encoding = func() cbor.EncMode {
	mode, err := cbor.EncOptions{Sort: cbor.SortBytewiseLexical}.EncMode()
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
		MaxNestedLevels:  4,
		MaxArrayElements: 16,
		MaxMapPairs:      32,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()
