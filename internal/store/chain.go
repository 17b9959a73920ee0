package store

import (
	"crypto/sha256"
	"strings"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// The rows of the audit log are a chain: the hash of each is SHA-256 over the hash
// of the row before, 32 zero bytes for the first, and this row in CBOR (RFC 8949,
// core deterministic encoding): a map of the numbers below. A field that comes
// later is left out where it is empty, so that old rows keep their hashes.
type chained struct {
	Seq     int64  `cbor:"1,keyasint"`
	At      int64  `cbor:"2,keyasint"` // microseconds since 1970
	Who     string `cbor:"3,keyasint"`
	Role    string `cbor:"4,keyasint"`
	Token   string `cbor:"5,keyasint"`
	From    string `cbor:"6,keyasint"`
	What    string `cbor:"7,keyasint"`
	Target  string `cbor:"8,keyasint"`
	Outcome string `cbor:"9,keyasint"`
	Detail  string `cbor:"10,keyasint"`
}

var deterministic = func() cbor.EncMode {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err) // only options that contradict each other are an error here
	}
	return mode
}()

// encode is what of a row is hashed, were it number seq.
func encode(a *octaskly.Action, seq int64) ([]byte, error) {
	return deterministic.Marshal(&chained{seq, micros(a.At), a.Who, string(a.Role), a.Token, a.From, a.What, a.Target, a.Outcome, a.Detail})
}

// link is the hash of a row that comes after the one with a hash.
func link(before, row []byte) []byte {
	h := sha256.New()
	h.Write(before)
	h.Write(row)
	return h.Sum(nil)
}

// maxSaid bounds each text of a row, in bytes.
const maxSaid = 4096

// bound makes of a row what can be kept of it: text, of a length.
func bound(a *octaskly.Action) {
	for _, text := range []*string{&a.Who, (*string)(&a.Role), &a.Token, &a.From, &a.What, &a.Target, &a.Outcome, &a.Detail} {
		if len(*text) > maxSaid || !utf8.ValidString(*text) {
			*text = shorten(strings.ToValidUTF8(*text, "\uFFFD"))
		}
	}
}

func shorten(text string) string {
	if len(text) <= maxSaid {
		return text
	}
	end := maxSaid - len("…")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
