package joining

import (
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

// agreed is all that a code and the proofs are made of.
type agreed struct {
	subject
	worker, dispatcher []byte
	id, name           string
}

func (a *agreed) code() Code {
	return a.subject.code(a.worker, a.dispatcher, octaskly.WorkerID(a.id), a.name)
}

func randomAgreed(r *rand.Rand) agreed {
	bytes := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	return agreed{
		subject{bytes(32), [32]byte(bytes(32)), [32]byte(bytes(32))},
		bytes(32), bytes(32), string(bytes(16)), string(bytes(1 + r.IntN(63))),
	}
}

// changes are one bit each, of each input.
var changes = map[string]func(*agreed, *rand.Rand){
	"exporter":   func(a *agreed, r *rand.Rand) { a.exporter = flip(a.exporter, r) },
	"key":        func(a *agreed, r *rand.Rand) { a.key = [32]byte(flip(a.key[:], r)) },
	"authority":  func(a *agreed, r *rand.Rand) { a.authority = [32]byte(flip(a.authority[:], r)) },
	"worker":     func(a *agreed, r *rand.Rand) { a.worker = flip(a.worker, r) },
	"dispatcher": func(a *agreed, r *rand.Rand) { a.dispatcher = flip(a.dispatcher, r) },
	"id":         func(a *agreed, r *rand.Rand) { a.id = string(flip([]byte(a.id), r)) },
	"name":       func(a *agreed, r *rand.Rand) { a.name = string(flip([]byte(a.name), r)) },
	"border":     func(a *agreed, _ *rand.Rand) { a.id, a.name = a.id+a.name[:1], a.name[1:] },
	"swapped":    func(a *agreed, _ *rand.Rand) { a.worker, a.dispatcher = a.dispatcher, a.worker },
}

func flip(b []byte, r *rand.Rand) []byte {
	b = slices.Clone(b)
	b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	return b
}

// TestCodeDiffers changes each input by a bit. The inputs are the same each time: one in a
// million would fail.
func TestCodeDiffers(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 500 {
		a := randomAgreed(r)
		if again := a; again.code() != a.code() {
			t.Fatal("the same gives another code")
		}
		for what, change := range changes {
			b := a
			if change(&b, r); b.code() == a.code() {
				t.Errorf("another %s has the same code %s", what, a.code())
			}
		}
	}
}

// TestProofsDiffer: no proof passes for another, on another connection or of another secret.
func TestProofsDiffer(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for range 100 {
		a := randomAgreed(r)
		secret := a.worker
		proof := a.prove(secret, security.Worker)
		if !a.proven(secret, security.Worker, proof) {
			t.Fatal("a proof is not one")
		}
		b := a
		b.exporter = flip(a.exporter, r)
		c := a
		c.key = [32]byte(flip(a.key[:], r))
		d := a
		d.authority = [32]byte(flip(a.authority[:], r))
		for what, passes := range map[string]bool{
			"the other role":  a.proven(secret, security.Dispatcher, proof),
			"another secret":  a.proven(flip(secret, r), security.Worker, proof),
			"a changed proof": a.proven(secret, security.Worker, flip(proof, r)),
			"a cut proof":     a.proven(secret, security.Worker, proof[:31]),
			"no proof":        a.proven(secret, security.Worker, nil),
			"connection":      b.proven(secret, security.Worker, proof),
			"key":             c.proven(secret, security.Worker, proof),
			"authority":       d.proven(secret, security.Worker, proof),
			"a commitment":    a.proven(secret, security.Worker, a.commit(secret)),
			"a claim":         a.proven(secret, security.Worker, a.claim(secret, "")),
		} {
			if passes {
				t.Errorf("%s passes", what)
			}
		}
	}
}

// TestGoldenProofs: workers of one version join at dispatchers of another.
func TestGoldenProofs(t *testing.T) {
	s := subject{[]byte("exporter"), [32]byte{1}, [32]byte{2}}
	a := apply{1, ByInvite, "0123456789abcdef", "w1", "1.0", []byte("key"), nil, nil, nil, nil}
	nonce := []byte("a nonce of 32 bytes, or so it is")
	payload, err := someTerms.payload()
	expect(t, err)
	for what, test := range map[string]struct{ got, want string }{
		"proof":      {hex.EncodeToString(s.prove(nonce, security.Worker)), goldenProof},
		"commitment": {hex.EncodeToString(s.commit(nonce)), goldenCommitment},
		"claim":      {hex.EncodeToString(s.claim(nonce, "483-112")), goldenClaim},
		"code":       {string(s.code(nonce, []byte("another nonce"), "0123456789abcdef", "w1")), goldenCode},
		"digest":     {hex.EncodeToString(a.digest([]byte("exporter"))), goldenDigest},
		"payload":    {hex.EncodeToString(payload), goldenPayload},
	} {
		if test.got != test.want {
			t.Errorf("%s: %s, want %s", what, test.got, test.want)
		}
	}
}

const (
	goldenProof      = "24c4481bef3214e0f6d4fb8fad848cdce871a176bfc929b597e8c8ae368947ae"
	goldenCommitment = "eefa84538eeb9e404cbf15f220c71983b4efd83a68f7baff56f51ff4d9a9f82d"
	goldenClaim      = "d54537f6e0f909e4b904d9084439ab7523ab5788b2aa097b1ccd829e2b0673d6"
	goldenCode       = "574-623"
	goldenDigest     = "1ff93682e8d6582301f33e335254ad9bcc3b9c142299697387bdb0c353ef1bf6"
	goldenPayload    = "a4015001020300000000000000000000000000021a6b0b6b00035820040500000000000000000000000000000000000000000000000000000000000004627731"
)

func TestParseCode(t *testing.T) {
	for text, want := range map[string]Code{"483-112": "483-112", "483112": "483-112", "483 112": "483-112", " 000-000": "000-000"} {
		if got, err := ParseCode(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "48311", "4831122", "483-11a", "483_112", "４８３１１２", "483-112-----------------"} {
		var field *octaskly.FieldError
		if got, err := ParseCode(text); !errors.As(err, &field) || field.Field != "code" {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
