package auth

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"
)

// Verifying a token beside the one signature that it takes. Both are measured in
// turns, so that a machine that is busy is so for both.
func BenchmarkVerify(b *testing.B) {
	k, token := testRing(b), forge(key1, testHeader, testClaims)
	signed, signature := token[:strings.LastIndex(token, ".")], []byte(unbase64(b, token[strings.LastIndex(token, ".")+1:]))
	public := key1.Public().(ed25519.PublicKey)
	var whole, floor time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		if _, err := k.Verify(token, testNow); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		if !ed25519.Verify(public, []byte(signed), signature) {
			b.Fatal("the signature is wrong")
		}
		whole, floor = whole+between.Sub(began), floor+time.Since(between)
	}
	b.ReportMetric(float64(whole.Nanoseconds())/float64(b.N), "ns/verify")
	b.ReportMetric(float64(floor.Nanoseconds())/float64(b.N), "ns/ed25519")
	b.ReportMetric(float64(whole)/float64(floor), "verify/ed25519")
}
