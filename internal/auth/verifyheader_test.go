package auth

import (
	"crypto/ed25519"
	"strings"
	"testing"
)

// TestVerifyHeaders changes the header, and signs it with the real key: nothing but
// the header is wrong.
func TestVerifyHeaders(t *testing.T) {
	k := testRing(t)
	kid := func(json string) string { return `{"alg":"EdDSA","typ":"at+jwt","kid":` + json + `}` }
	more := func(member string) string { return strings.TrimSuffix(testHeader, "}") + "," + member + "}" }
	for what, header := range map[string]string{
		"kid of another key":       kid(`"k2"`),
		"kid of no key":            kid(`"k3"`),
		"kid that is a path":       kid(`"../../../../dev/null"`),
		"kid that is a URL":        kid(`"https://evil.example/k1"`),
		"kid that is SQL":          kid(`"k1' OR '1'='1"`),
		"kid that is a union":      kid(`"x' UNION SELECT 'k1"`),
		"kid that is a command":    kid(`"k1|id"`),
		"kid with a NUL":           kid(`"k1\u0000"`),
		"kid with a line end":      kid(`"k1\n"`),
		"kid in other letters":     kid(`"K1"`),
		"kid that is empty":        kid(`""`),
		"kid that is huge":         kid(`"` + strings.Repeat("k", 2000) + `"`),
		"kid in an array":          kid(`["k1"]`),
		"kid that is a number":     kid(`1`),
		"kid that is null":         kid(`null`),
		"kid that is an object":    kid(`{"k1":"k1"}`),
		"no kid":                   `{"alg":"EdDSA","typ":"at+jwt"}`,
		"another name for kid":     `{"alg":"EdDSA","typ":"at+jwt","KID":"k1"}`,
		"jku":                      more(`"jku":"https://evil.example/keys"`),
		"jwk":                      more(`"jwk":{"kty":"OKP","crv":"Ed25519","x":"` + b64(string(key1.Public().(ed25519.PublicKey))) + `"}`),
		"x5u":                      more(`"x5u":"https://evil.example/cert"`),
		"x5c":                      more(`"x5c":["MIIB"]`),
		"zip":                      more(`"zip":"DEF"`),
		"cty":                      more(`"cty":"JWT"`),
		"crit of something":        more(`"crit":["exp"],"exp":1`),
		"crit of nothing":          more(`"crit":[]`),
		"b64 false":                more(`"b64":false,"crit":["b64"]`),
		"two algs":                 more(`"alg":"EdDSA"`),
		"two algs, one none":       `{"alg":"none","typ":"at+jwt","kid":"k1","alg":"EdDSA"}`,
		"two kids":                 more(`"kid":"k1"`),
		"two kids, one escaped":    more(`"\u006bid":"k1"`),
		"two kids, instead of typ": `{"alg":"EdDSA","kid":"k1","kid":"k1"}`,
		"no typ":                   `{"alg":"EdDSA","kid":"k1"}`,
		"typ JWT":                  strings.Replace(testHeader, "at+jwt", "JWT", 1),
		"typ AT+JWT":               strings.Replace(testHeader, "at+jwt", "AT+JWT", 1),
		"typ refresh":              strings.Replace(testHeader, "at+jwt", "rt+jwt", 1),
		"typ null":                 strings.Replace(testHeader, `"at+jwt"`, "null", 1),
		"no alg":                   `{"typ":"at+jwt","kid":"k1"}`,
		"alg in an array":          strings.Replace(testHeader, `"EdDSA"`, `["EdDSA"]`, 1),
		"alg null":                 strings.Replace(testHeader, `"EdDSA"`, `null`, 1),
		"ALG":                      strings.Replace(testHeader, `"alg"`, `"ALG"`, 1),
		"nothing":                  "",
		"null":                     "null",
		"an array":                 "[" + testHeader + "]",
		"a text":                   `"` + b64(testHeader) + `"`,
		"two objects":              testHeader + testHeader,
		"something behind":         testHeader + "x",
		"half":                     testHeader[:20],
		"no UTF-8":                 strings.Replace(testHeader, "k1", "k1\xff", 1),
		"a byte order mark":        "\ufeff" + testHeader,
		"deep":                     more(`"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000)),
	} {
		refuse(t, k, what, forge(key1, header, testClaims), testNow)
	}
}
