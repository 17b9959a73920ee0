package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

// TestVerifyAlgorithms signs by other algorithms, as well as that can be done with
// what an attacker has: the public key.
func TestVerifyAlgorithms(t *testing.T) {
	k, public := testRing(t), key1.Public().(ed25519.PublicKey)
	with := func(alg string, sign func(text []byte) []byte) string {
		text := b64(strings.Replace(testHeader, "EdDSA", alg, 1)) + "." + b64(testClaims)
		return text + "." + b64(string(sign([]byte(text))))
	}
	nothing := func([]byte) []byte { return nil }
	edwards := func(text []byte) []byte { return ed25519.Sign(key1, text) }
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		refuse(t, k, "unsigned, alg "+alg, with(alg, nothing), testNow)
		refuse(t, k, "signed, alg "+alg, with(alg, edwards), testNow)
		refuse(t, k, "cut, alg "+alg, strings.TrimSuffix(with(alg, nothing), "."), testNow)
	}
	for _, alg := range []string{"eddsa", "EDDSA", "Ed25519", "EdDSA ", "HS256", "RS256", "ES256", "PS256"} {
		refuse(t, k, "by EdDSA, alg "+alg, with(alg, edwards), testNow)
	}
	der, _ := x509.MarshalPKIXPublicKey(public)
	for what, secret := range map[string][]byte{
		"bytes": public, "DER": der, "base64url": []byte(b64(string(public))), "nothing": nil,
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
	} {
		mac := func(text []byte) []byte {
			h := hmac.New(sha256.New, secret)
			h.Write(text)
			return h.Sum(nil)
		}
		refuse(t, k, "HS256 with the public key as "+what, with("HS256", mac), testNow)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, k, "RS256", with("RS256", func(text []byte) []byte {
		sum := sha256.Sum256(text)
		s, _ := rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, sum[:])
		return s
	}), testNow)
	ecKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	refuse(t, k, "ES256", with("ES256", func(text []byte) []byte {
		sum := sha256.Sum256(text)
		r, s, _ := ecdsa.Sign(rand.Reader, ecKey, sum[:])
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}), testNow)
}
