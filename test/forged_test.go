package test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/test/cluster"
)

// forger makes tokens like a good one.
type forger struct {
	header, claims map[string]any
	private        ed25519.PrivateKey // the dispatcher's own, which nobody should have
}

var unpadded = base64.RawURLEncoding

// newForger steals the key from a dispatcher that is started again.
func newForger(t *testing.T, c *cluster.Cluster, good string) *forger {
	t.Helper()
	f := &forger{}
	parts := strings.Split(good, ".")
	for i, into := range []*map[string]any{&f.header, &f.claims} {
		text, err := unpadded.DecodeString(parts[i])
		check(t, err)
		check(t, json.Unmarshal(text, into))
	}
	check(t, c.Dispatcher.Stop())
	state := filepath.Join(c.Dir, "dispatcher")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(state, "octaskly.db"))
	check(t, err)
	defer db.Close()
	var sealed []byte
	check(t, db.QueryRow(`SELECT sealed FROM signing_keys WHERE id = ?`, f.header["kid"]).Scan(&sealed))
	key, err := security.LoadKeyFile(filepath.Join(state, "fleet.key"))
	check(t, err)
	private, err := security.NewVault(key).Open("signing key", sealed, []byte(f.header["kid"].(string)))
	check(t, err)
	f.private = private
	check(t, db.Close())
	start(t, c.Dispatcher)
	return f
}

// make has other headers and claims in it, nil for none.
func (f *forger) make(t *testing.T, header, claims map[string]any, sign func([]byte) []byte) string {
	t.Helper()
	text := segment(t, f.header, header) + "." + segment(t, f.claims, claims)
	return text + "." + unpadded.EncodeToString(sign([]byte(text)))
}

func segment(t *testing.T, like, other map[string]any) string {
	t.Helper()
	all := maps.Clone(like)
	maps.Copy(all, other)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(all)
	check(t, err)
	return unpadded.EncodeToString(text)
}

func mac(key []byte) func([]byte) []byte {
	return func(text []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write(text)
		return h.Sum(nil)
	}
}

type fields = map[string]any

// Of all that looks like a token, only what the dispatcher itself has signed is one,
// as it has signed it and for as long as it said.
func TestForgedTokens(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	ann := settle(t, c, "ann", "admin")
	f := newForger(t, c, ann.token)
	own := func(text []byte) []byte { return ed25519.Sign(f.private, text) }
	_, stranger, err := ed25519.GenerateKey(nil)
	check(t, err)
	strange := func(text []byte) []byte { return ed25519.Sign(stranger, text) }
	public := f.private.Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	check(t, err)
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	none := func([]byte) []byte { return nil }
	good := strings.Split(ann.token, ".")
	hour, kid := time.Now().Add(time.Hour).Unix(), f.header["kid"].(string)

	forged := map[string]string{
		"alg none":                 f.make(t, fields{"alg": "none"}, nil, none),
		"alg None, signed":         f.make(t, fields{"alg": "None"}, nil, own),
		"alg missing":              f.make(t, fields{"alg": nil}, nil, own),
		"no signature":             f.make(t, nil, nil, none),
		"HS256 by the public key":  f.make(t, fields{"alg": "HS256"}, nil, mac(public)),
		"HS256 by its DER":         f.make(t, fields{"alg": "HS256"}, nil, mac(der)),
		"HS256 by its PEM":         f.make(t, fields{"alg": "HS256"}, nil, mac(pemKey)),
		"HS256 by nothing":         f.make(t, fields{"alg": "HS256"}, nil, mac(nil)),
		"HS256 by kid":             f.make(t, fields{"alg": "HS256"}, nil, mac([]byte(kid))),
		"EdDSA by the public key":  f.make(t, nil, nil, mac(public)),
		"another key":              f.make(t, nil, nil, strange),
		"another key, jwk":         f.make(t, fields{"jwk": fields{"kty": "OKP", "crv": "Ed25519", "x": unpadded.EncodeToString(stranger.Public().(ed25519.PublicKey))}}, nil, strange),
		"kid of none":              f.make(t, fields{"kid": "nobody"}, nil, own),
		"kid missing":              f.make(t, fields{"kid": nil}, nil, own),
		"kid of a file":            f.make(t, fields{"kid": "../../../../dev/null"}, nil, mac(nil)),
		"kid of SQL":               f.make(t, fields{"kid": "x' UNION SELECT x'00' --"}, nil, strange),
		"kid no text":              f.make(t, fields{"kid": 1}, nil, own),
		"kid in a list":            f.make(t, fields{"kid": []string{kid}}, nil, own),
		"critical extension":       f.make(t, fields{"crit": []string{"b64"}, "b64": false}, nil, own),
		"typ of something else":    f.make(t, fields{"typ": "JWT"}, nil, own),
		"for somebody else":        f.make(t, nil, fields{"aud": "elsewhere"}, own),
		"by somebody else":         f.make(t, nil, fields{"iss": "octaskly:other"}, own),
		"of no session":            f.make(t, nil, fields{"sid": "nobody"}, own),
		"session missing":          f.make(t, nil, fields{"sid": nil}, own),
		"of another user":          f.make(t, nil, fields{"sub": "root"}, own),
		"expired":                  f.make(t, nil, fields{"exp": time.Now().Add(-time.Hour).Unix()}, own),
		"for ever":                 f.make(t, nil, fields{"exp": nil}, own),
		"of tomorrow":              f.make(t, nil, fields{"nbf": hour, "iat": hour}, own),
		"of a role there is not":   f.make(t, nil, fields{"role": "god"}, own),
		"truncated":                ann.token[:len(ann.token)-1],
		"without its end":          good[0] + "." + good[1],
		"a part more":              ann.token + "." + good[2],
		"claims of another":        good[0] + "." + segment(t, f.claims, fields{"sub": "root"}) + "." + good[2],
		"padded":                   ann.token + "==",
		"only dots":                "..",
		"very long":                ann.token + strings.Repeat("A", 8000),
		"a token of another fleet": f.elsewhere(t),
		"a refresh token's look":   "ort_" + unpadded.EncodeToString(make([]byte, 52)),
	}
	web := browser(t, c)
	for name, token := range forged {
		a := ask(t, web, c.REST()+"/api/v1/self", "GET", "", "Authorization", "Bearer "+token)
		a.refused(t, name, 401, "unauthorized")
		if len(token) > 20 && (strings.Contains(a.text, token[len(token)/2:]) || strings.Contains(c.Dispatcher.Logs(), token[len(token)/2:])) {
			t.Errorf("%s: the token is told: %s", name, a.text)
		}
	}
	for name, token := range map[string]string{"the good one": ann.token, "one by its key": f.make(t, nil, nil, own)} {
		if a := ask(t, web, c.REST()+"/api/v1/self", "GET", "", "Authorization", "Bearer "+token); a.status != 200 {
			t.Errorf("%s: %+v", name, a)
		}
	}
	two := ask(t, web, c.REST()+"/api/v1/self", "GET", "", "Authorization", "Bearer "+ann.token, "Authorization", "Bearer "+ann.token)
	two.refused(t, "two tokens", 401, "unauthorized")
	for _, part := range append(good, "ort_") {
		if part != good[0] && strings.Contains(c.Logs(), part) {
			t.Errorf("the log has part of a token:\n%s", c.Logs())
		}
	}
}

// elsewhere is a token of another dispatcher's, for a user of the same name.
func (f *forger) elsewhere(t *testing.T) string {
	t.Helper()
	other := cluster.Open(t, cluster.Options{REST: true})
	start(t, other.Dispatcher)
	must(t, other, "user", "add", "--role", "admin", "ann")
	return newToken(t, other, "--user", "ann")
}

// A token ends when it says, or is revoked, or its user may less, or is gone.
func TestTokensEnd(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	web := browser(t, c)
	status := func(path, token string) int {
		return ask(t, web, c.REST()+path, "GET", "", "Authorization", "Bearer "+token).status
	}
	for _, name := range []string{"ann", "bob", "eve"} {
		must(t, c, "user", "add", "--role", "admin", name)
	}
	short := newToken(t, c, "--user", "ann", "--expires", "1s")
	long := newToken(t, c, "--user", "ann")
	bobs, eves := newToken(t, c, "--user", "bob"), newToken(t, c, "--user", "eve", "--role", "client")
	if status("/api/v1/users", eves) != 403 || status("/api/v1/users", bobs) != 200 {
		t.Error("a token has not the role that it was made with")
	}
	must(t, c, "user", "set", "--role", "client", "bob")
	if got := status("/api/v1/users", bobs); got == 200 {
		t.Errorf("what bob was permitted before: %d", got)
	}
	must(t, c, "user", "remove", "eve")
	if got := status("/api/v1/self", eves); got != 401 {
		t.Errorf("a token of nobody's: %d", got)
	}
	awaitSuccess(t, func() bool { return status("/api/v1/self", short) == 401 })
	if got := status("/api/v1/self", long); got != 200 {
		t.Errorf("the long one: %d", got)
	}
	if logs := c.Logs(); strings.Contains(logs, strings.Split(long, ".")[2]) || strings.Contains(logs, strings.Split(short, ".")[2]) {
		t.Errorf("the log has a token:\n%s", logs)
	}
}
