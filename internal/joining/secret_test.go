package joining

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

var errGone = octaskly.ErrGone

func TestJoinByKey(t *testing.T) {
	f, who := newFleet(t), newApplicant(t)
	old := security.GenerateKey()
	f.keys = append(f.keys, old)
	for _, key := range f.keys { // the present one, and one that is going
		o := f.join(t.Context(), func(d Door) (*Identity, error) { return AskWithKey(t.Context(), d, who, key) })
		if o.asked != nil || o.answered != nil {
			t.Fatalf("%v, %v", o.asked, o.answered)
		}
		i := o.identity
		if i.Fleet != "orchard" || i.Certificate.Subject.CommonName != "w1" || i.Certificate.URIs[0].String() != "octaskly:worker:0123456789abcdef" || !i.Authority.Equal(f.authority.Certificate()) || i.Key != who.Key {
			t.Errorf("joined as %v, %v", i, i.Certificate.URIs)
		}
	}
	a := f.issued[0]
	if a.ID != who.ID || a.Name != "w1" || a.Software != "1.0" || a.Way != ByKey || a.Address != "192.0.2.7:4711" || !a.Key.Equal(who.Key.Public()) || a.KeyHash() != sha256.Sum256(a.SPKI) {
		t.Errorf("the desk heard %+v", a)
	}
}

func TestWrongKey(t *testing.T) {
	f, who := newFleet(t), newApplicant(t)
	o := f.join(t.Context(), func(d Door) (*Identity, error) { return AskWithKey(t.Context(), d, who, security.GenerateKey()) })
	f.checkRefused("another key", o, octaskly.ErrDenied)
}

// A false dispatcher has an authority of its own, and no fleet key: whatever it says, the worker goes on.
func TestFalseDispatcher(t *testing.T) {
	f, who := newFleet(t), newApplicant(t)
	key := f.keys[0]
	invite := f.invite(InviteTerms{ID: InviteID{1}, Expires: time.Now().Add(time.Hour), Authority: sha256.Sum256(f.authority.Certificate().Raw)})
	liar := newFleet(t)
	liar.keys = nil
	certify := func(v Visit) error {
		var m fromWorker
		fs := frames{v.Conn}
		if err := fs.receive(t.Context(), time.Minute, &m); err != nil {
			return err
		}
		a, err := m.Apply.application(&v)
		if err != nil {
			return err
		}
		c, _ := liar.Issue(t.Context(), a)
		// The best that it has is the worker's own proof.
		return fs.send(t.Context(), time.Minute, &toWorker{Joined: &joined{m.Apply.Proof, c.Raw, "orchard"}})
	}
	for what, ask := range map[string]func(Door) (*Identity, error){
		"by key":    func(d Door) (*Identity, error) { return AskWithKey(t.Context(), d, who, key) },
		"by invite": func(d Door) (*Identity, error) { return AskWithInvite(t.Context(), d, who, invite) },
	} {
		door, visit := liar.connect()
		done := make(chan error, 1)
		go func() { done <- certify(visit) }()
		if i, err := ask(door); !errors.Is(err, ErrImpostor) {
			t.Errorf("%s: %v, %v", what, i, err)
		}
		go door.Conn.(io.Closer).Close()
		heard := <-done == nil
		if heard != (what == "by key") {
			t.Errorf("%s: it heard an application: %v", what, heard) // nothing of an invite is sent to a stranger
		}
	}
}

func TestJoinByInvite(t *testing.T) {
	f, who := newFleet(t), newApplicant(t)
	terms := InviteTerms{ID: InviteID{1, 2}, Expires: time.Now().Add(time.Hour), Authority: sha256.Sum256(f.authority.Certificate().Raw), Name: "w1"}
	invite, err := ParseInvite(f.invite(terms).Text() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time, the answer had been lost
		o := f.join(t.Context(), func(d Door) (*Identity, error) { return AskWithInvite(t.Context(), d, who, invite) })
		if o.asked != nil || o.answered != nil || o.identity.Certificate.Subject.CommonName != "w1" {
			t.Fatalf("%v, %v", o.asked, o.answered)
		}
	}
	f.issued = nil
	other := newApplicant(t)
	o := f.join(t.Context(), func(d Door) (*Identity, error) { return AskWithInvite(t.Context(), d, other, invite) })
	f.checkRefused("used by another key", o, octaskly.ErrGone)
}

func TestInvitesThatAreNone(t *testing.T) {
	f, who := newFleet(t), newApplicant(t)
	present := sha256.Sum256(f.authority.Certificate().Raw)
	soon := time.Now().Add(time.Hour)
	forge := func(terms InviteTerms, change func(*Invite)) *Invite {
		i := f.invite(terms)
		change(i)
		return i
	}
	good := InviteTerms{ID: InviteID{1}, Expires: soon, Authority: present}
	over, named := good, good
	over.Expires = time.Now().Add(-time.Second)
	named.Name = "w2"
	var field *octaskly.FieldError
	for what, test := range map[string]struct {
		invite *Invite
		want   func(error) bool
	}{
		"over":          {f.invite(over), func(err error) bool { return errors.Is(err, octaskly.ErrGone) }},
		"for another":   {f.invite(named), func(err error) bool { return errors.As(err, &field) && field.Field == "name" }},
		"another's MAC": {forge(good, func(i *Invite) { i.mac = func() []byte { return make([]byte, 32) } }), isDenied},
		"longer than made": {forge(good, func(i *Invite) {
			later := good
			later.Expires = soon.Add(time.Hour)
			i.payload, _ = later.payload()
		}), isDenied},
		"renamed": {forge(named, func(i *Invite) { i.payload, _ = good.payload() }), isDenied},
		"no payload": {forge(good, func(i *Invite) { i.payload = []byte{0xa0} }), func(err error) bool {
			return errors.As(err, &field) && field.Field == "invite"
		}},
		"of another fleet": {forge(good, func(i *Invite) { *i = *newInvite(good, i.payload, inviteMAC(security.GenerateKey(), i.payload)) }), isDenied},
	} {
		o := f.join(t.Context(), func(d Door) (*Identity, error) { return AskWithInvite(t.Context(), d, who, test.invite) })
		var refusal *Refusal
		if !errors.As(o.asked, &refusal) || !test.want(o.answered) || f.issues() != 0 || len(f.redeems) != 0 {
			t.Errorf("%s: %v, %v, %d issued, %d redeemed", what, o.asked, o.answered, f.issues(), len(f.redeems))
		}
	}
}

func isDenied(err error) bool { return errors.Is(err, octaskly.ErrDenied) }

// The dispatcher looks at the authority itself: it does not rely on the worker.
func TestInviteOfAnotherAuthority(t *testing.T) {
	f, who := newFleet(t), newApplicant(t)
	invite := f.invite(InviteTerms{ID: InviteID{1}, Expires: time.Now().Add(time.Hour), Authority: [32]byte{9}})
	invite.Authority = sha256.Sum256(f.authority.Certificate().Raw) // so that the worker goes on
	o := f.join(t.Context(), func(d Door) (*Identity, error) { return AskWithInvite(t.Context(), d, who, invite) })
	f.checkRefused("another authority", o, octaskly.ErrGone)
}

func TestDeskRefuses(t *testing.T) {
	who := newApplicant(t)
	for what, test := range map[string]struct {
		set   func(*fleet)
		err   error
		why   string
		again bool
	}{
		"a name": {func(f *fleet) { f.allowed = &octaskly.FieldError{Field: "name", Why: "not on the list"} }, nil, "name: not on the list", false},
		"an id":  {func(f *fleet) { f.allowed = fmt.Errorf("%w: removed", octaskly.ErrDenied) }, octaskly.ErrDenied, "not permitted: removed", false},
		"full":   {func(f *fleet) { f.allowed = octaskly.ErrFull }, octaskly.ErrFull, "limit reached", true},
		"a disk": {func(f *fleet) { f.issuing = errors.New("disk on fire at /secret") }, nil, "it could not do it; its log says why", true},
	} {
		f := newFleet(t)
		test.set(f)
		o := f.join(t.Context(), func(d Door) (*Identity, error) { return AskWithKey(t.Context(), d, who, f.keys[0]) })
		var refusal *Refusal
		if !errors.As(o.asked, &refusal) || refusal.Why != test.why || refusal.Again != test.again || o.answered == nil || test.err != nil && !errors.Is(o.answered, test.err) {
			t.Errorf("%s: %v, %v", what, o.asked, o.answered)
		}
	}
}

// A certificate that would not do shows when it comes, not when the worker is turned away by it.
func TestMistakenCertificates(t *testing.T) {
	for what, mistake := range map[string]func(*Application){
		"another's id":   func(a *Application) { a.ID = "fedcba9876543210" },
		"another's name": func(a *Application) { a.Name = "w2" },
		"another's key":  func(a *Application) { a.Key = &newApplicant(t).Key.PublicKey },
	} {
		f, who := newFleet(t), newApplicant(t)
		f.mistake = mistake
		o := f.join(t.Context(), func(d Door) (*Identity, error) { return AskWithKey(t.Context(), d, who, f.keys[0]) })
		if o.asked == nil || o.identity != nil {
			t.Errorf("%s: joined as %v", what, o.identity)
		}
	}
}
