package joining

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// approval is a worker that waits for one, in a bubble.
type approval struct {
	*fleet
	codes   chan Code // as the worker shows them
	pending *Pending
	done    chan outcome
	cancel  context.CancelFunc // of the worker
	door    Door
}

// apply has a worker ask f for an approval, and returns when it shows a code.
func (f *fleet) apply() (*approval, Code) {
	f.t.Helper()
	a := &approval{fleet: f, codes: make(chan Code, 16), done: make(chan outcome, 1)}
	ctx, cancel := context.WithCancel(f.t.Context())
	a.cancel = cancel
	who := newApplicant(f.t)
	go func() {
		a.done <- f.join(f.t.Context(), func(d Door) (*Identity, error) {
			a.door = d
			return AskForApproval(ctx, d, who, func(c Code) { a.codes <- c })
		})
	}()
	a.pending = <-f.waiting
	return a, <-a.codes
}

// other is a code that is not c.
func other(c Code) Code {
	if c == "000-000" {
		return "000-001"
	}
	return "000-000"
}

func TestApproval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		a, code := f.apply()
		time.Sleep(Patience - time.Second) // in the bubble: it is pinged all the while
		if err := a.pending.Try(t.Context(), code); err != nil {
			t.Fatal(err)
		}
		o := <-a.done
		if o.asked != nil || o.answered != nil || o.identity.Fleet != "orchard" {
			t.Fatalf("%v, %v", o.asked, o.answered)
		}
		if c := <-a.codes; c != "" {
			t.Errorf("the code is still shown, %s", c)
		}
		if f.issued[0].Way != ByApproval || f.awaits != 0 {
			t.Errorf("joined by %v, %d still waited for", f.issued[0].Way, f.awaits)
		}
		if err := a.pending.Try(t.Context(), code); !errors.Is(err, octaskly.ErrGone) {
			t.Errorf("approved again: %v", err)
		}
	})
}

func TestWrongCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		a, code := f.apply()
		seen := map[Code]bool{}
		for try := 1; try <= MaxTries; try++ {
			if seen[code] {
				t.Errorf("code %s is shown again", code)
			}
			seen[code] = true
			if err := a.pending.Try(t.Context(), other(code)); !errors.Is(err, ErrWrongCode) {
				t.Errorf("try %d: %v", try, err)
			}
			if gone := <-a.codes; gone != "" {
				t.Errorf("try %d: %s is shown still", try, gone)
			}
			if try < MaxTries {
				code = <-a.codes
			}
		}
		o := <-a.done
		if !errors.Is(o.asked, ErrSpent) || !errors.Is(o.answered, octaskly.ErrDenied) {
			t.Errorf("%v, %v", o.asked, o.answered)
		}
		if f.issues() != 0 || f.awaits != 0 {
			t.Errorf("%d issued, %d still waited for", f.issues(), f.awaits)
		}
	})
}

func TestRightAfterWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		a, first := f.apply()
		if err := a.pending.Try(t.Context(), other(first)); !errors.Is(err, ErrWrongCode) {
			t.Fatal(err)
		}
		<-a.codes
		second := <-a.codes
		if err := a.pending.Try(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		if o := <-a.done; o.asked != nil || o.answered != nil {
			t.Errorf("%v, %v", o.asked, o.answered)
		}
	})
}

func TestWaitEnds(t *testing.T) {
	rejected := errors.Join(octaskly.ErrDenied, errors.New("ann rejects it"))
	for what, test := range map[string]struct {
		end      func(*approval)
		asked    func(error) bool
		answered func(error) bool
	}{
		"rejected": {func(a *approval) { a.rejected <- rejected }, isRefusal, func(err error) bool { return errors.Is(err, rejected) }},
		"nobody approves": {
			func(*approval) { time.Sleep(Patience) },
			isRefusal, func(err error) bool { return errors.Is(err, errNotApproved) },
		},
		"the worker stops": {
			func(a *approval) { a.cancel() },
			func(err error) bool { return errors.Is(err, context.Canceled) },
			func(err error) bool { return errors.Is(err, io.EOF) },
		},
		"the worker is gone": {
			func(a *approval) { a.door.Conn.(*tls.Conn).NetConn().Close() },
			func(err error) bool { return err != nil && !isRefusal(err) },
			func(err error) bool { return err != nil },
		},
		"cannot be issued": {
			func(a *approval) {
				a.issuing = octaskly.ErrUnavailable
				a.pending.Try(a.t.Context(), <-a.codes)
			},
			func(err error) bool { return errors.Is(err, ErrSpent) && isRefusal(err) },
			func(err error) bool { return errors.Is(err, octaskly.ErrUnavailable) },
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t)
			a, code := f.apply()
			a.codes <- code
			test.end(a)
			o := <-a.done
			if !test.asked(o.asked) || !test.answered(o.answered) {
				t.Errorf("%s: %v, %v", what, o.asked, o.answered)
			}
			if f.issues() != 0 || f.awaits != 0 {
				t.Errorf("%s: %d issued, %d still waited for", what, f.issues(), f.awaits)
			}
			if err := a.pending.Try(t.Context(), code); !errors.Is(err, octaskly.ErrGone) {
				t.Errorf("%s: approved afterwards: %v", what, err)
			}
		})
	}
}

func isRefusal(err error) bool {
	var refusal *Refusal
	return errors.As(err, &refusal)
}

// A dispatcher that is being stopped ends the wait and says nothing.
func TestAnswerIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		door, visit := f.connect()
		ctx, cancel := context.WithCancel(t.Context())
		asked, answered := make(chan error, 1), make(chan error, 1)
		go func() {
			answered <- Answer(ctx, visit, f)
			visit.Conn.(*tls.Conn).NetConn().Close()
		}()
		go func() {
			_, err := AskForApproval(t.Context(), door, newApplicant(t), func(Code) {})
			asked <- err
		}()
		<-f.waiting
		synctest.Wait()
		cancel()
		if err := <-answered; !errors.Is(err, context.Canceled) {
			t.Errorf("answered: %v", err)
		}
		if err := <-asked; err == nil || isRefusal(err) {
			t.Errorf("asked: %v", err)
		}
	})
}

// What the desk does not let in gets no nonce, with which it could look for a code.
func TestTooManyWait(t *testing.T) {
	f := newFleet(t)
	f.entering = octaskly.ErrFull
	o := f.join(t.Context(), func(d Door) (*Identity, error) {
		return AskForApproval(t.Context(), d, newApplicant(t), func(c Code) { t.Errorf("it shows %q", c) })
	})
	f.checkRefused("full", o, octaskly.ErrFull)
}

// A silent end of a connection is given up, whichever it is.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		_, visit := f.connect()
		begin := time.Now()
		if err := Answer(t.Context(), visit, f); err == nil || time.Since(begin) != stepTimeout {
			t.Errorf("without an application: %v after %v", err, time.Since(begin))
		}

		door, visit := f.connect()
		go func() { // answers nothing
			var m fromWorker
			frames{visit.Conn}.receive(t.Context(), time.Hour, &m)
			frames{visit.Conn}.send(t.Context(), time.Hour, &toWorker{Nonce: newNonce()})
		}()
		begin = time.Now()
		if _, err := AskForApproval(t.Context(), door, newApplicant(t), func(Code) {}); err == nil || time.Since(begin) != silence {
			t.Errorf("without pings: %v after %v", err, time.Since(begin))
		}

		door, visit = f.connect()
		go func() { // never answers a ping
			a, _ := newAsking(door, newApplicant(t), ByApproval)
			a.apply.Commitment = a.subject.commit(newNonce())
			a.send(t.Context(), time.Hour, &fromWorker{Apply: a.apply})
			io.Copy(io.Discard, door.Conn)
		}()
		begin = time.Now()
		if err := Answer(t.Context(), visit, f); err == nil || time.Since(begin) != silence {
			t.Errorf("without pongs: %v after %v", err, time.Since(begin))
		}
		visit.Conn.(*tls.Conn).NetConn().Close()
	})
}
