package protocol

// MaxRenewed bounds a Renewed, in bytes.
const MaxRenewed = 8 << 10

// Renewed is a fresh certificate for the key of the one that the session was opened
// with. It is recorded already, and the one before it is good until its end.
type Renewed struct {
	Certificate []byte `cbor:"1,keyasint,omitempty"` // DER
	Authority   []byte `cbor:"2,keyasint,omitempty"` // DER, of who signed it: it may be another one than before
	Refused     string `cbor:"3,keyasint,omitempty"` // why not
}
