package api

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// certificate is one of 127.0.0.1, made once.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
})

// remote is a handler behind a TCP port.
type remote struct {
	t     testing.TB
	addr  string
	stop  context.CancelFunc
	ended chan error
}

func startRemote(t testing.TB, d door, h http.Handler, l limits) *remote {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &remote{t, ln.Addr().String(), stop, make(chan error, 1)}
	go func() {
		if d == tlsDoor {
			r.ended <- l.serveTLS(ctx, ln, h, &tls.Config{Certificates: []tls.Certificate{certificate()}}, quiet)
		} else {
			r.ended <- l.servePlain(ctx, ln, h, quiet)
		}
		close(r.ended)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
	})
	return r
}

func trusting() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(certificate().Leaf)
	return &tls.Config{RootCAs: pool}
}

// client speaks HTTP/2 or HTTP/1.1 only.
func (r *remote) client(http2 bool) *http.Client {
	t := &http.Transport{TLSClientConfig: trusting(), Protocols: new(http.Protocols)}
	t.Protocols.SetHTTP1(!http2)
	t.Protocols.SetHTTP2(http2)
	r.t.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: bearing{t}}
}

// bearing sends an admin's token.
type bearing struct{ http.RoundTripper }

func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer admin")
	return b.RoundTripper.RoundTrip(r)
}

// talk sends text and returns all that comes back until the server closes.
func (r *remote) talk(text string) string {
	r.t.Helper()
	conn, err := tls.Dial("tcp", r.addr, trusting())
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, text)
	answer, err := io.ReadAll(conn)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(answer)
}

func eachProtocol(t *testing.T, test func(*testing.T, bool)) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("HTTP/2 %v", http2), func(t *testing.T) { test(t, http2) })
	}
}

func whole(t *testing.T, answer *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return fmt.Sprintf("%s %d %s%s", answer.Proto, answer.StatusCode, text, errText(err))
}

func errText(err error) string {
	if err != nil {
		return " " + err.Error()
	}
	return ""
}

func TestHTTPS(t *testing.T) {
	eachProtocol(t, func(t *testing.T, http2 bool) {
		b := &books{}
		r := startRemote(t, tlsDoor, newFleetHandler(&fake{put: drain}, b), usualRemote())
		client, proto := r.client(http2), map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[http2]
		answer, err := client.Get("https://" + r.addr + "/health")
		if got := whole(t, answer, err); got != proto+" 200 {\"status\":\"ok\"}\n" {
			t.Error(got)
		}
		answer, err = client.Post("https://"+r.addr+"/api/v1/tasks", "application/json", strings.NewReader(`{"argv":["true"]}`))
		if got := whole(t, answer, err); !strings.HasPrefix(got, proto+" 201 ") {
			t.Error(got)
		}
		if rows := b.taken(); rows != `the admin/admin/id of admin/127.0.0.1 task.submit "42" done ""` {
			t.Error(rows)
		}
		put, _ := http.NewRequest("PUT", "https://"+r.addr+"/api/v1/blobs/"+someHash, io.LimitReader(zeroes{}, 3<<20))
		answer, err = client.Do(put)
		if got := whole(t, answer, err); got != proto+" 204 " {
			t.Error(got)
		}
	})
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestOldTLS(t *testing.T) {
	r := startRemote(t, tlsDoor, newFleetHandler(&fake{}, &books{}), usualRemote())
	config := trusting()
	config.MaxVersion = tls.VersionTLS12
	if conn, err := tls.Dial("tcp", r.addr, config); err == nil {
		conn.Close()
		t.Error("TLS 1.2 is spoken")
	}
	answer, err := http.Get("http://" + r.addr + "/health")
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != 400 {
		t.Errorf("HTTP without TLS is answered %s", answer.Status)
	}
}

// A body that does not come ends in time, whatever carries it.
func TestSlowBodies(t *testing.T) {
	eachProtocol(t, func(t *testing.T, http2 bool) {
		h := newFleetHandler(&fake{put: drain}, &books{})
		h.bodyTimeout = 50 * time.Millisecond
		r := startRemote(t, tlsDoor, h, usualRemote())
		for _, path := range []string{"POST /api/v1/tasks", "PUT /api/v1/blobs/" + someHash} {
			method, path, _ := strings.Cut(path, " ")
			never, end := io.Pipe()
			defer end.Close()
			request, _ := http.NewRequest(method, "https://"+r.addr+path, never)
			request.ContentLength = 100
			answer, err := r.client(http2).Do(request)
			if got := whole(t, answer, err); !strings.Contains(got, `"kind":"too-slow"`) {
				t.Errorf("%s: %s", path, got)
			}
		}
	})
}

// A body that has come does not end its request, nor does one request another.
func TestDeadlineOfBodyOnlyRemote(t *testing.T) {
	eachProtocol(t, func(t *testing.T, http2 bool) {
		eachBodyTimeout(t, func(timeout time.Duration) (fault string) {
			h := newFleetHandler(outlasting(timeout), &books{})
			h.bodyTimeout = timeout
			r := startRemote(t, tlsDoor, h, usualRemote())
			client := r.client(http2)
			for range 2 {
				answer, err := client.Post("https://"+r.addr+"/api/v1/tasks", "", strings.NewReader(`{"argv":["true"]}`))
				if err != nil {
					return err.Error()
				}
				if got := whole(t, answer, err); !strings.Contains(got, ` 201 {"id":"7"`) {
					return got
				}
			}
			return ""
		})
	})
}

func TestSlowHandshake(t *testing.T) {
	r := startRemote(t, tlsDoor, newFleetHandler(&fake{}, &books{}), hasty)
	for _, sent := range []string{"", "\x16\x03\x01"} {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, sent)
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("%q: %v", sent, err)
		}
	}
	soon := restless
	soon.header = time.Second // in which the handshake must be done
	r = startRemote(t, tlsDoor, newFleetHandler(&fake{}, &books{}), soon)
	for _, sent := range []string{"GET /health HT", "", "GET /health HTTP/1.1\r\nHost: x\r\nX: "} {
		t.Run(sent, func(t *testing.T) {
			t.Parallel()
			if answer := r.talk(sent); strings.Contains(answer, "200") {
				t.Errorf("%q is answered %q", sent, answer)
			}
		})
	}
}

// A connection of HTTP/2 is told how many streams it may have, see RFC 9113
// section 6.5.2; net/http refuses further ones.
func TestStreamsAreBounded(t *testing.T) {
	r := startRemote(t, tlsDoor, newFleetHandler(&fake{}, &books{}), usualRemote())
	config := trusting()
	config.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", r.addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	head := make([]byte, 9)
	if _, err := io.ReadFull(conn, head); err != nil || head[3] != 4 {
		t.Fatalf("the first frame begins with % x, %v", head, err)
	}
	settings := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	io.ReadFull(conn, settings)
	told := map[uint16]uint32{}
	for ; len(settings) >= 6; settings = settings[6:] {
		told[binary.BigEndian.Uint16(settings)] = binary.BigEndian.Uint32(settings[2:])
	}
	if told[3] != maxStreams || told[6] < maxHeader || told[6] > maxHeader+1024 {
		t.Errorf("the settings are %v", told)
	}
}

func TestAddressShare(t *testing.T) {
	for _, d := range []door{tlsDoor, plainDoor} {
		l := usualRemote()
		l.connections, l.share = 200, 2
		hold := make(chan struct{})
		release := sync.OnceFunc(func() { close(hold) })
		t.Cleanup(release)
		begun := make(chan struct{}, 2)
		h := newFleetHandler(&fake{}, &books{})
		r := startRemote(t, d, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Hold") != "" {
				begun <- struct{}{}
				<-hold
				return
			}
			h.ServeHTTP(w, r)
		}), l)
		dial := func() net.Conn {
			conn, err := net.Dial("tcp", r.addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			if d == tlsDoor {
				return tls.Client(conn, func() *tls.Config { c := trusting(); c.ServerName = "127.0.0.1"; return c }())
			}
			return conn
		}
		for range 2 {
			io.WriteString(dial(), "GET / HTTP/1.1\r\nHost: localhost\r\nHold: 1\r\n\r\n")
			<-begun
		}
		for range overdraft + 3 {
			conn := dial()
			io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
			answer, err := io.ReadAll(conn)
			if !bytes.HasPrefix(answer, []byte("HTTP/1.1 429")) || !bytes.Contains(answer, []byte("2 from your address are busy")) || err != nil {
				t.Fatalf("door %d: answer %q, %v", d, answer, err)
			}
			conn.Close()
		}
		release()
	}
}

func TestStopRemote(t *testing.T) {
	eachProtocol(t, func(t *testing.T, http2 bool) {
		f := &fake{watch: func(ctx context.Context, yield func(*Job) error) error {
			err := yield(&Job{ID: "42"})
			<-ctx.Done()
			return err
		}}
		r := startRemote(t, tlsDoor, newFleetHandler(f, &books{}), usualRemote())
		answer, err := r.client(http2).Get("https://" + r.addr + "/api/v1/tasks/42/watch")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		r.stop()
		if text, err := io.ReadAll(answer.Body); err == nil {
			t.Errorf("the stream ends as if whole: %q", text)
		}
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestPlainIsLocal(t *testing.T) {
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	err = ServePlain(t.Context(), ln, newFleetHandler(&fake{}, &books{}), quiet)
	if err == nil || !strings.Contains(err.Error(), "no loopback address") {
		t.Errorf("served everybody without TLS: %v", err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the port is left open: %v", err)
	}
}

func TestNoCertificate(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := ServeTLS(t.Context(), ln, newFleetHandler(&fake{}, &books{}), &tls.Config{}, quiet); err == nil {
		t.Error("served without a certificate")
	}
}
