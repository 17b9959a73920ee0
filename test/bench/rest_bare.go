package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/security"
)

// bareServer is the argument that makes this program a server that does nothing: what
// HTTPS alone costs.
const bareServer = "bare-server"

// measureBare puts the load on a bare server, in a process of its own as a dispatcher is.
func measureBare(ctx context.Context) (load *restLoad, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := exec.CommandContext(ctx, self, bareServer)
	server.Stderr = os.Stderr
	stop, err := server.StdinPipe()
	if err != nil {
		return nil, err
	}
	said, err := server.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop.Close(), server.Wait()) }()
	var where client.Context
	if err := json.NewDecoder(said).Decode(&where); err != nil {
		cancel()
		return nil, fmt.Errorf("cannot start a bare server: %w", err)
	}
	return loadREST(ctx, server.Process.Pid, func() *client.Client {
		return client.New(client.Options{Server: &client.Server{Context: where}})
	})
}

// serveBare says on w where it is, and serves until r ends.
func serveBare(r io.Reader, w io.Writer) error {
	authority, err := security.NewAuthority(time.Now())
	if err != nil {
		return err
	}
	certificate, err := authority.IssueServer([]string{"127.0.0.1"}, time.Hour, time.Now())
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:   http.HandlerFunc(answerBare),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate}},
	}
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(ln, "", "") }()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw})
	where := client.Context{Name: "bare", URL: "https://" + ln.Addr().String(), CA: string(ca), Token: strings.Repeat("x", 400)}
	err = json.NewEncoder(w).Encode(where)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	err = errors.Join(err, server.Close())
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// What a dispatcher would say of the job that the clients submit.
const (
	bareAccepted = `{"id":"4242","tasks":1}` + "\n"
	bareDetail   = `{"id":"42","owner":"bench","state":"queued","command":["true"],"tasks":1,"counts":{"queued":1},"submitted_at":"2026-11-28T20:45:54.123456Z",` +
		`"submission":{"argv":["true"],"timeout":0,"limits":{"preset":"default"}},"waits":"no worker is connected"}` + "\n"
)

func answerBare(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, bareAccepted)
		return
	}
	io.WriteString(w, bareDetail)
}
