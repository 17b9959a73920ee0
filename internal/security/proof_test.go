package security

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"
)

func TestProof(t *testing.T) {
	key, exporter := GenerateKey(), []byte("exporter")
	proof := Prove(key, Worker, exporter)
	if !Verify(key, Worker, exporter, proof) {
		t.Error("a good proof was refused")
	}
	if Verify(key, Dispatcher, exporter, proof) {
		t.Error("a proof can be sent back")
	}
	if Verify(GenerateKey(), Worker, exporter, proof) {
		t.Error("a proof of another key was accepted")
	}
	if Verify(key, Worker, []byte("exporteR"), proof) {
		t.Error("a proof of another connection was accepted")
	}
	for i := range proof {
		wrong := proof
		wrong[i] ^= 1
		if Verify(key, Worker, exporter, wrong) {
			t.Errorf("byte %d does not count", i)
		}
	}
}

// TestExporter does handshakes with one certificate: both ends of a connection
// agree, and no two connections do.
func TestExporter(t *testing.T) {
	certificate, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	client1, server1 := exporters(t, certificate)
	client2, server2 := exporters(t, certificate)
	if len(client1) != 32 || !bytes.Equal(client1, server1) || !bytes.Equal(client2, server2) {
		t.Error("the two ends of a connection do not agree")
	}
	if bytes.Equal(client1, client2) {
		t.Error("two connections have the same exporter")
	}
}

func TestExporterWantsTLS13(t *testing.T) {
	if _, err := Exporter(tls.ConnectionState{Version: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 is good enough")
	}
}

func exporters(t *testing.T, certificate tls.Certificate) (client, server []byte) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	there := make(chan []byte, 1)
	go func() {
		secret, err := exporter(tls.Server(b, &tls.Config{Certificates: []tls.Certificate{certificate}, SessionTicketsDisabled: true}))
		if err != nil {
			t.Error(err)
		}
		there <- secret
	}()
	client, err := exporter(tls.Client(a, &tls.Config{InsecureSkipVerify: true}))
	if err != nil {
		t.Fatal(err)
	}
	return client, <-there
}

func exporter(conn *tls.Conn) ([]byte, error) {
	if err := conn.Handshake(); err != nil {
		return nil, err
	}
	return Exporter(conn.ConnectionState())
}

func TestSelfSigned(t *testing.T) {
	first, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	second, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first.Certificate[0], second.Certificate[0]) {
		t.Error("they are the same")
	}
	leaf, err := x509.ParseCertificate(first.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if now := time.Now(); !leaf.NotBefore.Before(now.AddDate(-20, 0, 0)) || !leaf.NotAfter.After(now.AddDate(100, 0, 0)) {
		t.Errorf("it is good only from %v to %v", leaf.NotBefore, leaf.NotAfter)
	}
}
