package auth

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestVerifyClaims changes the claims, and signs them with the real key.
func TestVerifyClaims(t *testing.T) {
	k := testRing(t)
	names := []string{"iss", "aud", "sub", "role", "sid", "jti", "iat", "nbf", "exp"}
	values := map[string]string{
		"iss": `"octaskly:abc"`, "aud": `"octaskly-api"`, "sub": `"ann"`, "role": `"client"`, "sid": `"s1"`, "jti": `"j1"`,
		"iat": "1000000", "nbf": "1000000", "exp": "1000900",
	}
	build := func(change map[string]string, without ...string) string {
		var members []string
		for _, name := range names {
			value := values[name]
			if v, ok := change[name]; ok {
				value = v
			}
			if !slices.Contains(without, name) {
				members = append(members, fmt.Sprintf("%q:%s", name, value))
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	if build(nil) != testClaims {
		t.Fatal(build(nil))
	}
	for _, name := range names {
		refuse(t, k, "without "+name, forge(key1, testHeader, build(nil, name)), testNow)
		upper := strings.Replace(testClaims, `"`+name+`"`, `"`+strings.ToUpper(name)+`"`, 1)
		refuse(t, k, "in capitals "+name, forge(key1, testHeader, upper), testNow)
		twice := strings.TrimSuffix(testClaims, "}") + fmt.Sprintf(",%q:%s}", name, values[name])
		refuse(t, k, "twice "+name, forge(key1, testHeader, twice), testNow)
		twiceNull := fmt.Sprintf(`{%q:null,`, name) + testClaims[1:]
		refuse(t, k, "twice, first null "+name, forge(key1, testHeader, twiceNull), testNow)
		for _, wrong := range []string{"null", "true", "[]", "{}", `""`, "[" + values[name] + "]", `{"a":` + values[name] + "}", "-1", "1.5", "1e3", `"` + strings.Repeat("a", 1000) + `"`} {
			refuse(t, k, name+" is "+wrong, forge(key1, testHeader, build(map[string]string{name: wrong})), testNow)
		}
	}
	for _, test := range []struct{ name, value string }{
		{"iss", `"octaskly:abd"`}, {"iss", `"octaskly:ABC"`}, {"iss", `"octaskly:abc "`}, {"iss", `"octaskly:"`}, {"iss", "1"},
		{"aud", `"octaskly"`}, {"aud", `"octaskly-api2"`}, {"aud", `["octaskly-api"]`}, {"aud", `["other","octaskly-api"]`}, {"aud", `"OCTASKLY-API"`},
		{"sub", "0"}, {"role", `"root"`}, {"role", `"Admin"`}, {"role", `"admin "`}, {"role", `"admin,client"`}, {"role", "1"}, {"sid", "1"}, {"jti", "1"},
		{"exp", `"1000900"`}, {"exp", "1000900.5"}, {"exp", "1000900.0"}, {"exp", "10009e2"}, {"exp", "1e400"}, {"exp", "NaN"}, {"exp", "Infinity"}, {"exp", "-1000900"}, {"exp", "01000900"}, {"exp", "0x10009999"},
		{"exp", "253402300800"}, {"exp", "9223372036854775807"}, {"exp", "9223372036854775808"}, {"exp", "18446744073709551616"}, {"exp", strings.Repeat("9", 400)},
		{"exp", "1000100"}, {"exp", "1000099"}, {"exp", "1000071"}, {"exp", "0"},
		{"nbf", "1000131"}, {"nbf", "2000000"}, {"nbf", `"1000000"`}, {"nbf", "9223372036854775808"},
		{"iat", "1000131"}, {"iat", "2000000"}, {"iat", `"1000000"`}, {"iat", "9223372036854775808"},
	} {
		refuse(t, k, test.name+" is "+test.value, forge(key1, testHeader, build(map[string]string{test.name: test.value})), testNow)
	}
	for _, claims := range []string{"", "null", "[]", "{}", "1", `"x"`, "[" + testClaims + "]", testClaims + testClaims, testClaims + "]", testClaims[:80], testClaims + "\x00", strings.Replace(testClaims, "ann", "ann\xff", 1), strings.Repeat("[", 2000)} {
		refuse(t, k, fmt.Sprintf("claims %.60q", claims), forge(key1, testHeader, claims), testNow)
	}
	for _, test := range []struct{ name, value string }{{"iat", "1000130"}, {"nbf", "1000130"}, {"exp", "1000101"}, {"exp", "253402300799"}} {
		if _, err := k.Verify(forge(key1, testHeader, build(map[string]string{test.name: test.value})), testNow); err != nil {
			t.Errorf("%s is %s: %v", test.name, test.value, err)
		}
	}
}
