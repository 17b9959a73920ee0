package roster

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// A machine that shows a code joins when an operator types it, and what stands in the
// audit log stands there with the certificate.
func TestApprove(t *testing.T) {
	r := newRig(t)
	m := newMachine(t, "w1")
	codes, wait := r.wish(m, "192.0.2.7:4711")
	code := <-codes
	if _, err := r.Approve(t.Context(), root, "w1", ""); err == nil || !strings.HasPrefix(err.Error(), "code: ") {
		t.Errorf("without a code: %v", err)
	}
	pending, err := r.Pending(t.Context(), root)
	if err != nil || len(pending) != 1 || pending[0].State != "waits" || pending[0].ID != string(m.ID) || pending[0].Address != "192.0.2.7:4711" {
		t.Errorf("%+v, %v", pending, err)
	}
	who := acting("worker.approve")
	page, err := r.Approve(t.Context(), who, "w1", strings.ReplaceAll(string(code), "-", ""))
	if err != nil || page.State != "approved" || !who.Act.Written || who.Act.Seq == 0 {
		t.Errorf("%+v, %v, %+v", page, err, who.Act)
	}
	i, err := wait()
	r.must(err)
	r.must(r.Admit(session(i, m)))
	rows := r.audit(2)
	if rows[0] != "root worker.approve w1 done id "+string(m.ID)+" from 192.0.2.7:4711" || !strings.HasPrefix(rows[1], " worker.join w1 done approved by root; id ") {
		t.Errorf("the audit log says %q", rows)
	}
	if log := r.log.String() + strings.Join(r.audit(9), ""); strings.Contains(log, string(code)) {
		t.Errorf("the log has the code %s: %s", code, log)
	}
	if pending, _ := r.Pending(t.Context(), root); len(pending) != 0 {
		t.Errorf("it waits on: %+v", pending)
	}
	_, err = r.Approve(t.Context(), root, "w1", string(code))
	r.refused(err, octaskly.ErrNotFound)
}

// wrongCode is another one.
func wrongCode(code joining.Code) string {
	if strings.HasPrefix(string(code), "1") {
		return "2" + string(code[1:])
	}
	return "1" + string(code[1:])
}

// After three wrong codes the machine is sent away, and codes for its name are not tried
// for a while.
func TestWrongCodes(t *testing.T) {
	r := newRig(t)
	m := newMachine(t, "w1")
	codes, wait := r.wish(m, "192.0.2.7:4711")
	seen := map[joining.Code]bool{}
	for n := range maxTries {
		code := <-codes
		if seen[code] {
			t.Error("a code is shown twice")
		}
		seen[code] = true
		_, err := r.Approve(t.Context(), root, "w1", wrongCode(code))
		if soon, is := errors.AsType[*api.TooSoon](err); is != (n == maxTries-1) || is && soon.After > firstPause || !is && !errors.Is(err, octaskly.ErrConflict) {
			t.Errorf("wrong code %d: %v", n+1, err)
		}
	}
	if _, err := wait(); err == nil {
		t.Error("it has joined")
	}
	codes, wait = r.wish(m, "192.0.2.7:4711")
	code := <-codes
	_, err := r.Approve(t.Context(), root, "w1", string(code))
	if soon, is := errors.AsType[*api.TooSoon](err); !is || soon.After < firstPause/2 {
		t.Errorf("in the pause: %v", err)
	}
	list, err := r.Reject(t.Context(), root, "w1")
	if err != nil || len(list) != 1 || list[0].State != "rejected" {
		t.Errorf("%+v, %v", list, err)
	}
	var refusal *joining.Refusal
	if _, err := wait(); !errors.As(err, &refusal) || refusal.Again || !strings.Contains(refusal.Why, "rejected") {
		t.Errorf("a rejected one hears %v", err)
	}
	_, err = r.Reject(t.Context(), root, "w1")
	r.refused(err, octaskly.ErrNotFound)
}

func TestTries(t *testing.T) {
	h, now := newHall(), time.Now()
	for _, pause := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		for left := range maxTries {
			if after := h.mayTry("w1", now); after != 0 {
				t.Fatalf("%v before %v", after, pause)
			}
			if got := h.wrong("w1", now); got != maxTries-1-left {
				t.Errorf("%d are left", got)
			}
		}
		if after := h.mayTry("w1", now); after != pause || h.mayTry("w2", now) != 0 {
			t.Errorf("a pause of %v, want %v", after, pause)
		}
		now = now.Add(pause)
	}
	for range 20 * maxTries {
		h.wrong("w1", now)
	}
	if after := h.mayTry("w1", now); after != lastPause {
		t.Errorf("the longest pause is %v", after)
	}
	h.right("w1")
	if h.mayTry("w1", now) != 0 {
		t.Error("a right code forgets no wrong ones")
	}
	for n := range 2 * maxTried {
		h.wrong(fmt.Sprint(n), now)
	}
	if len(h.tries) > maxTried {
		t.Errorf("%d names are kept", len(h.tries))
	}
}

// Of several that ask by one name, the one that shows the code joins.
func TestSameName(t *testing.T) {
	r := newRig(t)
	m, other := newMachine(t, "w1"), newMachine(t, "w1")
	other.ID = "ffffffffffffffff"
	otherCodes, waitOther := r.wish(other, "192.0.2.8:1")
	<-otherCodes
	codes, wait := r.wish(m, "192.0.2.7:1")
	code := <-codes
	_, err := r.Approve(t.Context(), root, "w1", string(code))
	r.must(err)
	_, err = wait()
	r.must(err)
	_, err = r.Reject(t.Context(), root, "ffffffffffffffff")
	r.must(err)
	if _, err := waitOther(); err == nil {
		t.Error("the other one joined, too")
	}
}

// Who asks anew, as after a cut, takes the place of the former connection; another one
// does not, by the same id.
func TestAskedAnew(t *testing.T) {
	r := newRig(t)
	m, thief := newMachine(t, "w1"), newMachine(t, "w1")
	codes, wait := r.wish(m, "192.0.2.7:1")
	<-codes
	_, waitThief := r.wish(thief, "192.0.2.66:1")
	var refusal *joining.Refusal
	if _, err := waitThief(); !errors.As(err, &refusal) || !strings.Contains(refusal.Why, "of the same id waits") {
		t.Errorf("a thief hears %v", err)
	}
	codes, waitAgain := r.wish(m, "192.0.2.7:2")
	if _, err := wait(); !errors.As(err, &refusal) || !refusal.Again {
		t.Errorf("the former connection hears %v", err)
	}
	_, err := r.Approve(t.Context(), root, string(m.ID), string(<-codes))
	r.must(err)
	_, err = waitAgain()
	r.must(err)
}

// One host has few places, and a removal ends the waiting.
func TestFullHall(t *testing.T) {
	r := newRig(t)
	var waits []func() (*joining.Identity, error)
	var ids []octaskly.WorkerID
	for n := range maxOfHost {
		m := newMachine(t, fmt.Sprint("w", n))
		codes, wait := r.wish(m, "192.0.2.7:1")
		<-codes
		waits, ids = append(waits, wait), append(ids, m.ID)
	}
	_, wait := r.wish(newMachine(t, "more"), "192.0.2.7:9")
	var refusal *joining.Refusal
	if _, err := wait(); !errors.As(err, &refusal) || !refusal.Again {
		t.Errorf("one too many hears %v", err)
	}
	for n, wait := range waits {
		r.must(r.Remove(t.Context(), octaskly.Removal{Worker: ids[n], Name: fmt.Sprint("w", n), At: clock()}, r.commit))
		if _, err := wait(); !errors.As(err, &refusal) || !strings.Contains(refusal.Why, "removed") {
			t.Errorf("a removed one hears %v", err)
		}
	}
}

// What changes who may join takes who may change workers.
func TestStrangers(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	for _, role := range []octaskly.Role{"", octaskly.RoleClient, octaskly.RoleWorker} {
		who := api.Caller{Name: "eve", Role: role}
		for what, do := range map[string]func() error{
			"invite":   func() error { _, err := r.Invite(ctx, who, &api.NewInvite{}); return err },
			"invites":  func() error { _, err := r.Invites(ctx, who); return err },
			"uninvite": func() error { _, err := r.RevokeInvite(ctx, who, "x"); return err },
			"pending":  func() error { _, err := r.Pending(ctx, who); return err },
			"approve":  func() error { _, err := r.Approve(ctx, who, "x", "1"); return err },
			"reject":   func() error { _, err := r.Reject(ctx, who, "x"); return err },
		} {
			if err := do(); !errors.Is(err, octaskly.ErrDenied) {
				t.Errorf("%s by %q: %v", what, role, err)
			}
		}
	}
}
