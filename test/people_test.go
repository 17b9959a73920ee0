package test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/test/cluster"
)

// person is a user of the dispatcher's own, with a login as context of that name.
type person struct {
	c     *cluster.Cluster
	name  string
	token string // for requests by hand
	web   *http.Client
}

// passwordOf is a user's, in a file.
func passwordOf(t *testing.T, name string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), name)
	check(t, os.WriteFile(file, []byte("password of "+name+"\n"), 0o600))
	return file
}

// settle makes a user, who logs in, and has a token besides.
func settle(t *testing.T, c *cluster.Cluster, name, role string) *person {
	t.Helper()
	file := passwordOf(t, name)
	must(t, c, "user", "add", "--role", role, "--password-file", file, name)
	logIn(t, c, name, file)
	return &person{c, name, newToken(t, c, "--user", name), browser(t, c)}
}

func logIn(t *testing.T, c *cluster.Cluster, name, passwordFile string) {
	t.Helper()
	must(t, c, "login", "--user", name, "--password-file", passwordFile, "--fingerprint", c.Fingerprint(), "--context", name, c.REST())
}

func newToken(t *testing.T, c *cluster.Cluster, flags ...string) string {
	t.Helper()
	return strings.TrimSpace(must(t, c, append([]string{"token", "create", "--name", "test"}, flags...)...))
}

// ctl runs octasklyctl in the person's context.
func (p *person) ctl(t *testing.T, args ...string) cluster.Result {
	t.Helper()
	return p.c.Ctl(timeout(t), append([]string{"--context", p.name}, args...)...)
}

func (p *person) must(t *testing.T, args ...string) string {
	t.Helper()
	return must(t, p.c, append([]string{"--context", p.name}, args...)...)
}

// do makes a request with the person's token.
func (p *person) do(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	return ask(t, p.web, p.c.REST()+path, method, body, append(headers, "Authorization", "Bearer "+p.token)...)
}

// answer is one of HTTP, read to its end.
type answer struct {
	status int
	header http.Header
	text   string
}

// ask makes a request with names and values of headers.
func ask(t *testing.T, web *http.Client, url, method, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(timeout(t), method, url, strings.NewReader(body))
	check(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := web.Do(r)
	check(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(t, err)
	return answer{response.StatusCode, response.Header, string(text)}
}

// refused expects a failure in the API's form.
func (a answer) refused(t *testing.T, what string, status int, kind string) api.Error {
	t.Helper()
	var said struct{ Error *api.Error }
	err := json.Unmarshal([]byte(a.text), &said)
	if err != nil || said.Error == nil || a.status != status || said.Error.Kind != kind || said.Error.Message == "" {
		t.Errorf("%s: status %d, %q; want %d, %s", what, a.status, a.text, status, kind)
		return api.Error{}
	}
	return *said.Error
}

// read expects success and reads the answer.
func (a answer) read(t *testing.T, what string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.text), into); err != nil || a.status/100 != 2 {
		t.Fatalf("%s: status %d, %q, %v", what, a.status, a.text, err)
	}
}

// authority is the certificate in the dispatcher's state directory.
func authority(t *testing.T, c *cluster.Cluster) *x509.Certificate {
	t.Helper()
	rest := readFile(t, filepath.Join(c.Dir, "dispatcher", "authority.pem"))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			t.Fatal("authority.pem has no certificate")
		}
		if block.Type == "CERTIFICATE" {
			certificate, err := x509.ParseCertificate(block.Bytes)
			check(t, err)
			return certificate
		}
	}
}

func fingerprintOf(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return "SHA256:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// trust is how one who knows the authority and nobody else speaks TLS.
func trust(t *testing.T, c *cluster.Cluster) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(authority(t, c))
	return &tls.Config{RootCAs: pool}
}

// browser is a client that trusts the dispatcher's authority.
func browser(t *testing.T, c *cluster.Cluster) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: trust(t, c), ForceAttemptHTTP2: true, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func caFile(t *testing.T, c *cluster.Cluster) string {
	t.Helper()
	var text bytes.Buffer
	check(t, pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: authority(t, c).Raw}))
	file := filepath.Join(t.TempDir(), "ca.pem")
	check(t, os.WriteFile(file, text.Bytes(), 0o600))
	return file
}
