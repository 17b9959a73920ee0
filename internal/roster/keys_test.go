package roster

import (
	"errors"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/transport"
)

// A removed machine does not come back by calling itself otherwise.
func TestRemovedKey(t *testing.T) {
	r := newRig(t)
	m := newMachine(t, "w1")
	_, err := r.joinByKey(m)
	r.must(err)
	r.must(r.Remove(t.Context(), octaskly.Removal{Worker: m.ID, Name: "w1", At: clock()}, r.commit))
	r.restart()
	m.ID, m.Name = "another-0123456789abcd", "another"
	var refusal *joining.Refusal
	if _, err := r.joinByKey(m); !errors.As(err, &refusal) || !strings.Contains(refusal.Why, "is that of worker w1") {
		t.Errorf("it hears %v", err)
	}
	_, err = r.Approve(t.Context(), root, "w1", "")
	r.must(err)
	_, err = r.joinByKey(m)
	r.must(err)
}

// A worker that joins anew with another key leaves none to who has the one before.
func TestReplacedKey(t *testing.T) {
	r := newRig(t)
	before, after := newMachine(t, "w1"), newMachine(t, "w1")
	old, err := r.joinByKey(before)
	r.must(err)
	r.must(r.Admit(session(old, before)))
	fresh, err := r.joinByKey(after)
	r.must(err)
	r.must(r.Admit(session(fresh, after)))
	if err := r.Admit(session(old, before)); !errors.Is(err, transport.ErrRevoked) {
		t.Errorf("the former certificate: %v", err)
	}
}

// An invite for any name takes nobody's.
func TestInviteOfATakenName(t *testing.T) {
	r := newRig(t)
	_, err := r.joinByKey(newMachine(t, "w1"))
	r.must(err)
	other := newMachine(t, "w1")
	other.ID = "ffffffffffffffff"
	open, err := r.Invite(t.Context(), root, &api.NewInvite{})
	r.must(err)
	var refusal *joining.Refusal
	if _, err := r.joinByInvite(other, open.Token); !errors.As(err, &refusal) || !strings.Contains(refusal.Why, "another worker has the name w1") {
		t.Errorf("it hears %v", err)
	}
	named, err := r.Invite(t.Context(), root, &api.NewInvite{Name: "w1"})
	r.must(err)
	_, err = r.joinByInvite(other, named.Token)
	r.must(err)
}

func TestNameOfInvite(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"a b", "../x", ".x", "-x", "w1\n", strings.Repeat("w", 65)} {
		var field *octaskly.FieldError
		if _, err := r.Invite(t.Context(), root, &api.NewInvite{Name: name}); !errors.As(err, &field) || field.Field != "name" {
			t.Errorf("%q: %v", name, err)
		}
	}
}
