package auth

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// TestVerifyBytes damages a good token at each byte.
func TestVerifyBytes(t *testing.T) {
	k, token := testRing(t), forge(key1, testHeader, testClaims)
	for n := range token {
		refuse(t, k, fmt.Sprintf("cut to %d", n), token[:n], testNow)
		refuse(t, k, fmt.Sprintf("without its first %d", n+1), token[n+1:], testNow)
		refuse(t, k, fmt.Sprintf("without byte %d", n), token[:n]+token[n+1:], testNow)
		for bit := range 8 {
			changed := []byte(token)
			changed[n] ^= 1 << bit
			refuse(t, k, fmt.Sprintf("byte %d bit %d", n, bit), string(changed), testNow)
		}
		for _, extra := range []string{" ", "\n", "\r", "\t", "\x00", "=", ".", "A", "%0a", "é"} {
			refuse(t, k, fmt.Sprintf("%q at %d", extra, n), token[:n]+extra+token[n:], testNow)
		}
	}
}

func TestVerifyShapes(t *testing.T) {
	k, token := testRing(t), forge(key1, testHeader, testClaims)
	parts := strings.Split(token, ".")
	padded := func(text string) string { return text + strings.Repeat("=", (4-len(text)%4)%4) }
	std := func(text string) string {
		bytes, _ := base64.RawURLEncoding.DecodeString(text)
		return base64.StdEncoding.EncodeToString(bytes)
	}
	for what, wrong := range map[string]string{
		"nothing":                   "",
		"dots":                      "..",
		"many dots":                 strings.Repeat(".", 4000),
		"a prefix":                  "Bearer " + token,
		"a segment more":            token + ".",
		"two segments more":         token + "." + parts[2],
		"an encrypted one's shape":  token + "." + token[:10] + ".x",
		"a segment before":          "." + token,
		"a space before":            " " + token,
		"a line end behind":         token + "\n",
		"twice":                     token + token,
		"twice, apart":              token + "," + token,
		"no signature":              parts[0] + "." + parts[1] + ".",
		"no claims":                 parts[0] + ".." + parts[2],
		"no header":                 "." + parts[1] + "." + parts[2],
		"segments in another order": parts[1] + "." + parts[0] + "." + parts[2],
		"padded":                    padded(parts[0]) + "." + padded(parts[1]) + "." + padded(parts[2]),
		"padded signature":          parts[0] + "." + parts[1] + "." + padded(parts[2]),
		"the other alphabet":        parts[0] + "." + parts[1] + "." + std(parts[2]),
		"JSON serialization":        fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]),
		"huge":                      forge(key1, testHeader, strings.Replace(testClaims, "{", `{"later":"`+strings.Repeat("x", 5000)+`",`, 1)),
		"a megabyte":                strings.Repeat("a", 1<<20),
	} {
		refuse(t, k, what, wrong, testNow)
	}
	filled := func(n int) string {
		return forge(key1, testHeader, strings.Replace(testClaims, "{", `{"later":"`+strings.Repeat("x", n)+`",`, 1))
	}
	n := 2700
	for len(filled(n+1)) <= 4096 {
		n++
	}
	if _, err := k.Verify(filled(n), testNow); err != nil || len(filled(n)) < 4095 {
		t.Errorf("%d bytes: %v", len(filled(n)), err)
	}
	refuse(t, k, "one byte more", filled(n+1), testNow)
}

// TestVerifyMalleability makes other signatures of a good one.
func TestVerifyMalleability(t *testing.T) {
	k, token := testRing(t), forge(key1, testHeader, testClaims)
	end := strings.LastIndex(token, ".") + 1
	signature, err := base64.RawURLEncoding.DecodeString(token[end:])
	if err != nil {
		t.Fatal(err)
	}
	with := func(s []byte) string { return token[:end] + b64(string(s)) }
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := new(big.Int).SetBytes(reversed(signature[32:]))
	for n := range 15 {
		if s.Add(s, order); s.BitLen() > 256 {
			break
		}
		refuse(t, k, fmt.Sprintf("S plus %d times the order", n+1), with(append(slices.Clone(signature[:32]), reversed(s.FillBytes(make([]byte, 32)))...)), testNow)
	}
	refuse(t, k, "longer", with(append(slices.Clone(signature), 0)), testNow)
	refuse(t, k, "zeros", with(make([]byte, 64)), testNow)
	identity := make([]byte, 64)
	identity[0] = 1
	refuse(t, k, "the neutral point", with(identity), testNow)
	// The last character of 86 has four bits of nothing: all 15 others decode alike.
	alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range alphabet {
		if last := alphabet[i : i+1]; !strings.HasSuffix(token, last) {
			refuse(t, k, "ends in "+last, token[:len(token)-1]+last, testNow)
		}
	}
}

func reversed(b []byte) []byte {
	b = slices.Clone(b)
	slices.Reverse(b)
	return b
}
