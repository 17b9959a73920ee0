package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
)

// renewing is a session whose dispatcher answers each renewal with the next of answers.
type renewing struct {
	transport.Session
	done    chan struct{}
	asked   chan []byte
	answers chan *protocol.Renewed
}

func (r *renewing) Done() <-chan struct{} { return r.done }

func (r *renewing) OpenBulk(_ context.Context, header []byte) (transport.Channel, error) {
	r.asked <- header
	answer := <-r.answers
	if answer == nil {
		return nil, errors.New("the network is down")
	}
	text, err := protocol.Marshal(answer)
	here, there := net.Pipe()
	go func() {
		there.Write(text)
		there.Close()
	}()
	return pipeEnd{here}, err
}

type pipeEnd struct{ net.Conn }

func (p pipeEnd) Abort() { p.Close() }

// joined are papers of a worker that has just joined, for so long.
func joinedPapers(t *testing.T, a *security.Authority, life time.Duration) *papers {
	t.Helper()
	p, err := openPapers(filepath.Join(t.TempDir(), papersFile))
	if err != nil {
		t.Fatal(err)
	}
	identity := *p.held.Load()
	identity.Certificate, err = a.IssueWorker(&identity.Key.PublicKey, "0123", "w1", life, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	identity.Authority, identity.Fleet = a.Certificate(), "lab"
	if err := p.keep(&identity); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := security.NewAuthority(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		const life = 30 * 24 * time.Hour
		var log bytes.Buffer
		e := &entrance{id: "0123", name: "w1", papers: joinedPapers(t, a, life), log: slog.New(slog.NewTextHandler(&log, nil))}
		link := &renewing{done: make(chan struct{}), asked: make(chan []byte), answers: make(chan *protocol.Renewed)}
		began := time.Now()
		e.renewing.Go(func() { e.renewDuring(link) })

		<-link.asked
		if after := time.Since(began); after < life*6/10 || after > life*7/10 {
			t.Errorf("it is renewed after %v of %v", after, life)
		}
		link.answers <- nil
		<-link.asked // again
		link.answers <- &protocol.Renewed{Refused: "no"}
		<-link.asked
		was := e.papers.held.Load()
		fresh, err := a.IssueWorker(&was.Key.PublicKey, "0123", "w1", life, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		link.answers <- &protocol.Renewed{Certificate: fresh.Raw, Authority: a.Certificate().Raw}
		began = time.Now()
		<-link.asked
		if after := time.Since(began); after < life*6/10 {
			t.Errorf("it is renewed again after %v", after)
		}
		link.answers <- nil
		close(link.done)
		e.renewing.Wait()

		kept, err := joining.LoadIdentity(e.papers.path)
		if err != nil || !kept.Certificate.Equal(fresh) || kept.Fleet != "lab" {
			t.Errorf("it keeps %v, %v", kept, err)
		}
		for _, line := range []string{`why="the network is down"`, `the dispatcher refuses`, "certificate is renewed"} {
			if !strings.Contains(log.String(), line) {
				t.Errorf("the log lacks %q:\n%s", line, log.String())
			}
		}
	})
}

// Papers are for one id and one name, and not for ever.
func TestPapers(t *testing.T) {
	a, err := security.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p := joinedPapers(t, a, time.Hour)
	again, err := openPapers(p.path)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if !again.good("0123", "w1", now) || again.good("0124", "w1", now) || again.good("0123", "w2", now) || again.good("0123", "w1", now.Add(2*time.Hour)) {
		t.Error("papers are good for somebody else, or not for who has them")
	}
	fresh, err := openPapers(filepath.Join(t.TempDir(), papersFile))
	if err != nil || fresh.good("0123", "w1", now) || len(fresh.authorities()) != 0 {
		t.Errorf("who has not joined has papers: %v", err)
	}
}
