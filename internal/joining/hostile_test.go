package joining

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// script is a connection on which somebody says what he has made up.
type script struct {
	io.Reader
	said bytes.Buffer
}

func (s *script) Write(p []byte) (int, error)      { return s.said.Write(p) }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// FuzzAnswer: whatever a stranger says, he gets no certificate, and at most one answer.
func FuzzAnswer(f *testing.F) {
	exporter := []byte("exporter")
	for way := ByKey; way <= ByApproval; way++ {
		who := newApplicant(f)
		a, _ := newApply(&who, way, exporter)
		a.Invite, _ = someTerms.payload()
		a.Proof, a.Commitment = make([]byte, 32), make([]byte, 32)
		body, _ := encoding.Marshal(&fromWorker{Apply: a})
		f.Add([]byte(frame(string(body)) + frame("\xa1\x04\xf5") + frame("\xa1\x03\x41\x01")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fleet, conn := newFleet(t), &script{Reader: bytes.NewReader(data)}
		visit := Visit{conn, exporter, fleet.authority.Certificate(), "192.0.2.7:4711"}
		if err := Answer(t.Context(), visit, fleet); err == nil || fleet.issues() != 0 || fleet.awaits != 0 {
			t.Fatalf("%x: %v, %d issued, %d still waited for", data, err, fleet.issues(), fleet.awaits)
		}
		var m toWorker
		if err := readFrame(&conn.said, &m); err != nil && err != io.EOF || m.Joined != nil || conn.said.Len() > 0 && m.Nonce == nil {
			t.Fatalf("%x is answered by %+v, %v", data, m, err)
		}
	})
}

// FuzzAsk: whatever a stranger answers, the worker has not joined.
func FuzzAsk(f *testing.F) {
	for _, m := range []*toWorker{{Nonce: newNonce()}, {Ping: true}, {Claim: newNonce()}, {Wrong: true}, {Joined: &joined{newNonce(), []byte{0x30}, "f"}}, {Refused: &refused{"no", true}}} {
		body, _ := encoding.Marshal(m)
		f.Add(append([]byte(frame("\xa1\x02\x58\x20"+string(newNonce()))), frame(string(body))...))
		f.Add([]byte(frame(string(body))))
	}
	fleet := newFleet(f)
	certificate, err := fleet.authority.IssueDispatcher(time.Hour, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	who := newApplicant(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		door := func() Door {
			return Door{&script{Reader: bytes.NewReader(data)}, []byte("exporter"), certificate.Certificate}
		}
		shown := Code("none")
		if i, err := AskForApproval(t.Context(), door(), who, func(c Code) { shown = c }); err == nil {
			t.Fatalf("%x: joined as %v", data, i)
		}
		if shown != "none" && shown != "" {
			t.Fatalf("%x: %s is still shown", data, shown)
		}
		if i, err := AskWithKey(t.Context(), door(), who, fleet.keys[0]); err == nil {
			t.Fatalf("%x: joined as %v", data, i)
		}
	})
}

// TestForeignServers: a worker says nothing to who shows no dispatcher's certificate.
func TestForeignServers(t *testing.T) {
	f, other := newFleet(t), newFleet(t)
	now := time.Now()
	good, err := f.authority.IssueDispatcher(time.Hour, now)
	expect(t, err)
	over, err := f.authority.IssueDispatcher(time.Minute, now.Add(-time.Hour))
	expect(t, err)
	rest, err := f.authority.IssueServer([]string{"fleet.example"}, time.Hour, now)
	expect(t, err)
	member := newMember(t, f)
	self, err := security.SelfSigned()
	expect(t, err)
	leaf, authority := good.Certificate[0], good.Certificate[1]
	for what, chain := range map[string][][]byte{
		"none":              nil,
		"only its own":      {leaf},
		"two too many":      {leaf, authority, authority, authority},
		"another authority": {leaf, other.authority.Certificate().Raw},
		"over":              over.Certificate,
		"of REST":           rest.Certificate,
		"a worker's":        {member.Certificate.Raw, authority},
		"the authority":     {authority, authority},
		"made up":           {self.Certificate[0], self.Certificate[0]},
		"garbage":           {[]byte("garbage"), authority},
		"large":             {leaf, make([]byte, maxCertificate+1)},
	} {
		conn := &script{Reader: bytes.NewReader(nil)}
		_, err := AskWithKey(t.Context(), Door{conn, []byte("exporter"), chain}, newApplicant(t), f.keys[0])
		if !errors.Is(err, ErrImpostor) || conn.said.Len() != 0 {
			t.Errorf("%s: %v, and it says %d bytes", what, err, conn.said.Len())
		}
	}
}

// TestBadApplications: what would be shown to people, or kept, is bounded before.
func TestBadApplications(t *testing.T) {
	who := newApplicant(t)
	for what, change := range map[string]func(*Applicant){
		"no id":     func(a *Applicant) { a.ID = "" },
		"short id":  func(a *Applicant) { a.ID = "0123456789abcde" },
		"id":        func(a *Applicant) { a.ID = "0123456789abcde/" },
		"no name":   func(a *Applicant) { a.Name = "" },
		"name":      func(a *Applicant) { a.Name = "a\x1b[2Jb" },
		"UTF-8":     func(a *Applicant) { a.Name = "a\xff" },
		"long name": func(a *Applicant) { a.Name = string(bytes.Repeat([]byte("a"), 65)) },
		"software":  func(a *Applicant) { a.Software = "1\n2" },
	} {
		bad := who
		change(&bad)
		if _, err := newApply(&bad, ByKey, []byte("exporter")); err == nil {
			t.Errorf("%s: a worker asks so", what)
		}
		a, err := newApply(&who, ByKey, []byte("exporter"))
		expect(t, err)
		a.ID, a.Name, a.Software = bad.ID, bad.Name, bad.Software
		a.Signature, err = ecdsa.SignASN1(rand.Reader, who.Key, a.digest([]byte("exporter")))
		expect(t, err)
		if got, err := a.application(&Visit{Exporter: []byte("exporter")}); err == nil {
			t.Errorf("%s: heard as %+v", what, got)
		}
	}
}

// TestOutOfTurn: a worker that speaks while it should wait is sent away, before anybody
// types a code for it.
func TestOutOfTurn(t *testing.T) {
	for what, m := range map[string]*fromWorker{
		"reveals":          {Reveal: newNonce()},
		"commits again":    {Commitment: make([]byte, 32)},
		"applies again":    {Apply: &apply{Version: 1}},
		"says nothing new": {},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t)
			here, there := f.connect()
			answered := make(chan error, 1)
			go func() { answered <- Answer(t.Context(), there, f) }()
			his, err := newAsking(here, newApplicant(t), ByApproval)
			expect(t, err)
			his.apply.Commitment = his.subject.commit(newNonce())
			expect(t, his.send(t.Context(), time.Minute, &fromWorker{Apply: his.apply}))
			hear(t, his)
			begin := time.Now()
			expect(t, his.send(t.Context(), time.Minute, m))
			if err := <-answered; !errors.Is(err, ErrForeign) || time.Since(begin) != 0 || f.awaits != 0 {
				t.Errorf("%s: %v after %v", what, err, time.Since(begin))
			}
		})
	}
}
