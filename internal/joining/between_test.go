package joining

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// between is somebody who plays the dispatcher for a worker, with an authority of his own.
type between struct {
	his      *fleet // his own
	visit    Visit  // of the worker
	toWorker frames
	theirs   *apply // that the worker has sent
	subject  subject
	asked    chan error // of the worker
}

// between puts somebody between f and who, and has the worker ask ask.
func (f *fleet) between(ask func(Door) error) *between {
	f.t.Helper()
	b := &between{his: newFleet(f.t), asked: make(chan error, 1)}
	door, visit := b.his.connect()
	b.visit, b.toWorker = visit, frames{visit.Conn}
	go func() { b.asked <- ask(door) }()
	var m fromWorker
	if err := b.toWorker.receive(f.t.Context(), time.Minute, &m); err != nil {
		f.t.Fatal(err)
	}
	b.theirs = m.Apply
	b.subject = subjectOf(visit.Exporter, m.Apply.SPKI, visit.Authority)
	return b
}

// TestManInTheMiddle: everybody does what he should, but for him in between, who knows
// this protocol. The codes differ, he learns nothing from the one for the other, and both
// ends refuse.
func TestManInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, f, shown := t.Context(), newFleet(t), make(chan Code, 9)
		b := f.between(func(d Door) error {
			_, err := AskForApproval(ctx, d, newApplicant(t), func(c Code) { shown <- c })
			return err
		})
		here, there := f.connect()
		answered := make(chan error, 1)
		go func() { answered <- Answer(ctx, there, f) }()
		his, err := newAsking(here, newApplicant(t), ByApproval)
		if err != nil {
			t.Fatal(err)
		}
		nonce := newNonce()
		his.apply.Commitment = his.subject.commit(nonce)
		expect(t, his.send(ctx, time.Minute, &fromWorker{Apply: his.apply}))
		challenge := hear(t, his)
		expect(t, b.toWorker.send(ctx, time.Minute, &toWorker{Nonce: challenge.Nonce}))
		code := <-shown
		if mine := his.subject.code(nonce, challenge.Nonce, "0123456789abcdef", "w1"); mine == code {
			t.Fatalf("both connections have the code %s", code)
		}

		// The operator reads the worker's code, and types it.
		tried := make(chan error, 1)
		go func() { tried <- (<-f.waiting).Try(ctx, code) }()
		claim := hear(t, his)
		expect(t, b.toWorker.send(ctx, time.Minute, &toWorker{Claim: claim.Claim}))
		var reveal fromWorker
		expect(t, b.toWorker.receive(ctx, time.Minute, &reveal))
		expect(t, his.send(ctx, time.Minute, &fromWorker{Reveal: nonce}))
		if verdict := hear(t, his); !verdict.Wrong {
			t.Errorf("the dispatcher says %+v", verdict)
		}
		if err := <-tried; !errors.Is(err, ErrWrongCode) {
			t.Errorf("the operator hears %v", err)
		}

		// By now he knows the worker's code; but his claim, which is the dispatcher's, does not open.
		a, err := b.theirs.application(&b.visit)
		expect(t, err)
		c, err := b.his.Issue(ctx, a)
		expect(t, err)
		expect(t, b.toWorker.send(ctx, time.Minute, &toWorker{Joined: &joined{newNonce(), c.Raw, "orchard"}}))
		if err := <-b.asked; !errors.Is(err, ErrSpent) || !errors.Is(err, ErrImpostor) {
			t.Errorf("the worker says %v", err)
		}
		here.Conn.(*tls.Conn).NetConn().Close()
		if err := <-answered; err == nil || f.issues() != 0 {
			t.Errorf("the dispatcher says %v, %d issued", err, f.issues())
		}
	})
}

var errWaits = errors.New("he waits for an approval")

func expect(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, a *asking) *toWorker {
	t.Helper()
	m, err := a.hear(t.Context(), time.Minute)
	expect(t, err)
	return m
}

// TestRelayed: who passes frames on unchanged, or later again, is told by the signature, whatever the way.
func TestRelayed(t *testing.T) {
	f := newFleet(t)
	who := newApplicant(t)
	invite := f.invite(InviteTerms{ID: InviteID{1}, Expires: time.Now().Add(time.Hour), Authority: sha256.Sum256(f.authority.Certificate().Raw)})
	for what, ask := range map[string]func(context.Context, Door) error{
		"by key": func(ctx context.Context, d Door) error {
			_, err := AskWithKey(ctx, d, who, f.keys[0])
			return err
		},
		"by invite": func(ctx context.Context, d Door) error {
			_, err := AskWithInvite(ctx, d, who, invite)
			return err
		},
		"by code": func(ctx context.Context, d Door) error {
			_, err := AskForApproval(ctx, d, who, func(Code) {})
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		// A true connection to the dispatcher, of which somebody has the plain text.
		door, heard := f.connect()
		asked := make(chan error, 1)
		go func() { asked <- ask(ctx, door) }()
		var m fromWorker
		expect(t, frames{heard.Conn}.receive(ctx, time.Minute, &m))
		cancel()
		if err := <-asked; err == nil {
			t.Errorf("%s: the worker has joined nobody", what)
		}
		replay := func(change func(*asking)) error {
			here, there := f.connect()
			answered := make(chan error, 1)
			go func() { answered <- Answer(t.Context(), there, f) }()
			his, err := newAsking(here, newApplicant(t), m.Apply.Way)
			expect(t, err)
			his.apply.Proof, his.apply.Invite, his.apply.Commitment = m.Apply.Proof, m.Apply.Invite, m.Apply.Commitment
			change(his)
			expect(t, his.send(t.Context(), time.Minute, &fromWorker{Apply: his.apply}))
			_, err = his.hear(t.Context(), time.Minute)
			here.Conn.(*tls.Conn).NetConn().Close()
			if answer := <-answered; err != nil {
				return answer
			}
			<-f.waiting
			return errWaits // as anybody may; the code is another one
		}
		var field *octaskly.FieldError
		if err := replay(func(a *asking) { a.apply = m.Apply }); !errors.As(err, &field) || field.Field != "key" {
			t.Errorf("%s: relayed as it was: %v", what, err)
		}
		err := replay(func(*asking) {}) // with a key of his own
		if what == "by code" && err != errWaits || what != "by code" && !isDenied(err) {
			t.Errorf("%s: relayed for another key: %v", what, err)
		}
		if f.issues() != 0 || len(f.redeems) != 0 {
			t.Errorf("%s: %d issued, %d redeemed", what, f.issues(), len(f.redeems))
		}
	}
}

// TestChangedCommitment: a worker that reveals another nonce than it was bound to, for one that makes
// the code right, is turned away.
func TestChangedCommitment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, f := t.Context(), newFleet(t)
		here, there := f.connect()
		answered := make(chan error, 1)
		go func() { answered <- Answer(ctx, there, f) }()
		his, err := newAsking(here, newApplicant(t), ByApproval)
		expect(t, err)
		his.apply.Commitment = his.subject.commit(newNonce())
		expect(t, his.send(ctx, time.Minute, &fromWorker{Apply: his.apply}))
		challenge := hear(t, his)
		another := newNonce()
		code := his.subject.code(another, challenge.Nonce, his.who.ID, his.who.Name)
		tried := make(chan error, 1)
		go func() { tried <- (<-f.waiting).Try(ctx, code) }()
		hear(t, his)
		expect(t, his.send(ctx, time.Minute, &fromWorker{Reveal: another}))
		if err := <-tried; !errors.Is(err, ErrForeign) {
			t.Errorf("the operator hears %v", err)
		}
		if err := <-answered; !errors.Is(err, ErrForeign) || f.issues() != 0 {
			t.Errorf("the dispatcher says %v, %d issued", err, f.issues())
		}
	})
}

// TestFalseApproval: a false dispatcher that nobody has typed a code at is none, whatever he
// commits to: he has to guess.
func TestFalseApproval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for what, lie := range map[string]func(opening []byte) []byte{
			"opens a guess":        func(opening []byte) []byte { return opening },
			"opens something else": func([]byte) []byte { return newNonce() },
			"opens nothing":        func([]byte) []byte { return nil },
		} {
			ctx, f, shown := t.Context(), newFleet(t), make(chan Code, 9)
			b := f.between(func(d Door) error {
				_, err := AskForApproval(ctx, d, newApplicant(t), func(c Code) { shown <- c })
				return err
			})
			nonce, opening := newNonce(), newNonce()
			expect(t, b.toWorker.send(ctx, time.Minute, &toWorker{Nonce: nonce}))
			code := <-shown
			expect(t, b.toWorker.send(ctx, time.Minute, &toWorker{Claim: b.subject.claim(opening, other(code))}))
			var m fromWorker
			expect(t, b.toWorker.receive(ctx, time.Minute, &m))
			if gone := <-shown; gone != "" {
				t.Errorf("%s: it shows %s", what, gone)
			}
			a, err := b.theirs.application(&b.visit)
			expect(t, err)
			c, err := b.his.Issue(ctx, a)
			expect(t, err)
			expect(t, b.toWorker.send(ctx, time.Minute, &toWorker{Joined: &joined{lie(opening), c.Raw, "orchard"}}))
			if err := <-b.asked; !errors.Is(err, ErrSpent) || !errors.Is(err, ErrImpostor) {
				t.Errorf("%s: the worker says %v", what, err)
			}
		}
	})
}

// TestEndlessGuesses: a false dispatcher gets a few guesses on one connection, whatever he says.
func TestEndlessGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, shown := t.Context(), make(chan Code, 99)
		b := newFleet(t).between(func(d Door) error {
			_, err := AskForApproval(ctx, d, newApplicant(t), func(c Code) { shown <- c })
			return err
		})
		guesses := 0
		for ; guesses < 10; guesses++ {
			if b.toWorker.send(ctx, time.Minute, &toWorker{Nonce: newNonce()}) != nil {
				break
			}
			expect(t, b.toWorker.send(ctx, time.Minute, &toWorker{Claim: newNonce()}))
			var m fromWorker
			expect(t, b.toWorker.receive(ctx, time.Minute, &m))
			expect(t, b.toWorker.send(ctx, time.Minute, &toWorker{Wrong: true}))
			synctest.Wait()
			if len(b.asked) > 0 {
				break
			}
			expect(t, b.toWorker.receive(ctx, time.Minute, &m))
		}
		if err := <-b.asked; !errors.Is(err, ErrSpent) || guesses != MaxTries-1 {
			t.Errorf("after %d guesses: %v", guesses+1, err)
		}
	})
}
