package test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/test/cluster"
)

// ownDoor has a worker serve its own HTTP on this machine.
var ownDoor = []string{"--http-listen", "127.0.0.1:0", "--http-plain"}

// kindsOfWorker are a worker with its executor inside, and one before its executor.
var kindsOfWorker = map[string]func(*testing.T, *cluster.Cluster) *cluster.Daemon{
	"inside": func(t *testing.T, c *cluster.Cluster) *cluster.Daemon {
		w := c.Worker("w1", ownDoor...)
		start(t, w)
		awaitDoor(t, w)
		return w
	},
	"apart": func(t *testing.T, c *cluster.Cluster) *cluster.Daemon {
		w, executor := c.Apart("w1")
		start(t, executor)
		start(t, w.With(ownDoor...))
		awaitDoor(t, w)
		return w
	},
}

// awaitDoor waits until a worker has said where it serves HTTP.
func awaitDoor(t *testing.T, w *cluster.Daemon) {
	t.Helper()
	awaitLog(t, w, "Worker answers for itself by REST")
}

// atWorker makes a request at a worker's door.
func atWorker(t *testing.T, w *cluster.Daemon, token, path string, headers ...string) answer {
	t.Helper()
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	return ask(t, http.DefaultClient, w.REST()+path, "GET", "", headers...)
}

// The worker knows no token, and yet knows who may what: its dispatcher tells it,
// each time.
func TestWorkersDoor(t *testing.T) {
	for name, worker := range kindsOfWorker {
		t.Run(name, func(t *testing.T) {
			c := cluster.Open(t, cluster.Options{})
			start(t, c.Dispatcher)
			must(t, c, "user", "add", "ann")
			must(t, c, "user", "add", "--role", "dispatcher", "eve")
			ann, eve := newToken(t, c, "--user", "ann"), newToken(t, c, "--user", "eve")
			w := worker(t, c)

			if a := atWorker(t, w, "", "/health"); a.status != 200 || strings.TrimSpace(a.text) != `{"status":"ok"}` {
				t.Errorf("health: %+v", a)
			}
			atWorker(t, w, "", "/metrics").refused(t, "nobody", 401, "unauthorized")
			atWorker(t, w, "no.such.token", "/metrics").refused(t, "a stranger", 401, "unauthorized")
			atWorker(t, w, ann, "/metrics").refused(t, "a client", 403, "denied")
			if a := atWorker(t, w, eve, "/metrics"); a.status != 200 || !strings.Contains(a.text, "octaskly_worker_session_up 1\n") {
				t.Errorf("metrics: %+v", a)
			}
			var me api.Worker
			atWorker(t, w, ann, "/api/v1/workers/w1").read(t, "status", &me)
			if me.Name != "w1" || me.State != "connected" || me.Slots != 4 || len(me.Checks) == 0 {
				t.Errorf("the worker says it is %+v", me)
			}
			atWorker(t, w, ann, "/api/v1/tasks").refused(t, "what is the dispatcher's", 421, "elsewhere")
			atWorker(t, w, eve, "/metrics", "Origin", "https://evil.example").refused(t, "a page", 403, "denied")

			expectRefusals(t, c, map[string]string{"ann": "denied", "": "unauthorized"})
			revoke(t, c, "eve")
			atWorker(t, w, eve, "/metrics").refused(t, "a revoked token", 401, "unauthorized")
			withoutDispatcher(t, c, w, ann)
			for _, d := range []*cluster.Daemon{w, c.Dispatcher} {
				if strings.Contains(d.Logs(), ann) || strings.Contains(d.Logs(), eve) {
					t.Errorf("%s logs tokens", d.Name)
				}
			}
			if said := w.Logs(); !strings.Contains(said, "Refused") || !strings.Contains(said, "who=ann") {
				t.Errorf("the worker does not tell whom it has refused:\n%s", said)
			}
		})
	}
}

// expectRefusals looks for refusals at the door of w1 in the audit log: who, and why.
func expectRefusals(t *testing.T, c *cluster.Cluster, want map[string]string) {
	t.Helper()
	text, log := auditLog(t, c, "--what", "metrics.read")
	found := map[string]string{}
	for _, row := range log {
		if row.Target != "w1" || row.From != "127.0.0.1" {
			t.Errorf("a row is %+v", row)
		}
		found[row.Who] = row.Outcome
	}
	for who, outcome := range want {
		if found[who] != outcome {
			t.Errorf("%q was %q, want %q, in %q", who, found[who], outcome, text)
		}
	}
}

// revoke ends all tokens of a user.
func revoke(t *testing.T, c *cluster.Cluster, user string) {
	t.Helper()
	var said api.Tokens
	check(t, json.Unmarshal([]byte(must(t, c, "token", "ls", "--all", "-o", "json")), &said))
	for _, token := range said.Tokens {
		if token.User == user {
			must(t, c, "token", "revoke", token.ID)
		}
	}
}

// withoutDispatcher nobody can be known, but on the socket.
func withoutDispatcher(t *testing.T, c *cluster.Cluster, w *cluster.Daemon, token string) {
	t.Helper()
	check(t, c.Dispatcher.Stop())
	awaitSuccess(t, func() bool { return atWorker(t, w, token, "/api/v1/workers").status == 503 })
	a := atWorker(t, w, token, "/api/v1/workers")
	said := a.refused(t, "without a dispatcher", 503, "unavailable")
	if !strings.Contains(said.Message, "no session with its dispatcher") || a.header.Get("Retry-After") == "" {
		t.Errorf("it says %+v", said)
	}
	if a := atWorker(t, w, "", "/health"); a.status != 200 {
		t.Errorf("health: %+v", a)
	}
	socket := throughSocket(w.Socket())
	if a := ask(t, socket, "http://octaskly/api/v1/workers/w1", "GET", ""); a.status != 200 || !strings.Contains(a.text, `"state":"away"`) {
		t.Errorf("the socket: %+v", a)
	}
	if a := ask(t, socket, "http://octaskly/metrics", "GET", ""); a.status != 200 || !strings.Contains(a.text, "octaskly_worker_session_up 0\n") {
		t.Errorf("the socket: %+v", a)
	}
	start(t, c.Dispatcher)
	awaitSuccess(t, func() bool { return atWorker(t, w, token, "/api/v1/workers").status == 200 })
}

func throughSocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
}

// Over a network the worker needs a certificate, which files give it.
func TestWorkersCertificate(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	cert, key := selfSigned(t)
	w := c.Worker("w1", "--http-listen", ":0", "--tls-cert", cert, "--tls-key", key)
	start(t, w)
	awaitDoor(t, w)
	must(t, c, "user", "add", "ann")
	ann := newToken(t, c, "--user", "ann")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(readFile(t, cert))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(w.REST(), "https://"))
	check(t, err)
	url := "https://127.0.0.1:" + port
	if a := ask(t, &http.Client{Transport: transport}, url+"/api/v1/workers", "GET", "", "Authorization", "Bearer "+ann); a.status != 200 || !strings.Contains(a.text, `"w1"`) {
		t.Errorf("%+v", a)
	}
}

func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	check(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	check(t, err)
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	check(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	check(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return cert, key
}
