package accounts

import (
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestTokenRoles(t *testing.T) {
	const admin, dispatcher, worker, client = octaskly.RoleAdmin, octaskly.RoleDispatcher, octaskly.RoleWorker, octaskly.RoleClient
	tests := []struct {
		maker, user, asked, want octaskly.Role // want "": refused
	}{
		{admin, admin, "", admin},
		{admin, admin, client, client},
		{admin, client, "", client},
		{admin, client, admin, ""},
		{admin, client, dispatcher, ""},
		{admin, dispatcher, client, client},
		{admin, dispatcher, worker, worker},
		{admin, worker, client, ""},
		{admin, worker, "", worker},
		{admin, admin, "king", ""},
		{dispatcher, admin, "", dispatcher}, // for himself, by a token of a lesser role
		{dispatcher, admin, admin, ""},
		{client, admin, dispatcher, ""},
		{client, client, "", client},
		{client, client, client, client},
	}
	for _, test := range tests {
		r := newRig(t)
		r.user("ann", test.user)
		made, err := r.CreateToken(t.Context(), api.Caller{Name: "ann", Role: test.maker}, &api.NewToken{Role: test.asked})
		if test.want == "" {
			r.field(err, "role")
			continue
		}
		r.must(err)
		if made.Role != test.want {
			t.Errorf("%+v: the role is %s", test, made.Role)
		}
		r.enters(made.Secret, test.want)
	}
}

func TestTokenInput(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	r.user("gone", octaskly.RoleClient)
	_, err := r.ChangeUser(t.Context(), root, "gone", &api.UserChange{Disabled: new(true)})
	r.must(err)
	for _, test := range []struct {
		field string
		how   api.NewToken
	}{
		{"name", api.NewToken{User: "ann", Name: strings.Repeat("n", 129)}},
		{"name", api.NewToken{User: "ann", Name: "a\nb"}},
		{"name", api.NewToken{User: "ann", Name: "a\xff"}},
		{"user", api.NewToken{User: "nobody"}},
		{"user", api.NewToken{}}, // root has come by the socket and is no user here
		{"expires_in", api.NewToken{User: "ann", Expires: new(api.Seconds(0))}},
		{"expires_in", api.NewToken{User: "ann", Expires: new(api.Seconds(-time.Hour))}},
		{"expires_in", api.NewToken{User: "ann", Expires: new(api.Seconds(maxLife + 1))}},
	} {
		_, err := r.CreateToken(t.Context(), root, &test.how)
		r.field(err, test.field)
	}
	_, err = r.CreateToken(t.Context(), root, &api.NewToken{User: "gone"})
	r.refused(err, octaskly.ErrConflict)
	_, err = r.CreateToken(t.Context(), root, &api.NewToken{User: "ann", Expires: new(api.Seconds(maxLife))})
	r.must(err)
}

// A machine token makes none that outlives it.
func TestTokenOfToken(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		short, err := r.CreateToken(t.Context(), root, &api.NewToken{User: "ann", Expires: new(api.Seconds(time.Hour))})
		r.must(err)
		who := r.caller(short.Secret)
		_, err = r.CreateToken(t.Context(), who, &api.NewToken{Expires: new(api.Seconds(2 * time.Hour))})
		r.field(err, "expires_in")
		child, err := r.CreateToken(t.Context(), who, &api.NewToken{})
		r.must(err)
		if !child.ExpiresAt.Equal(short.ExpiresAt) {
			t.Errorf("it is good until %v, and its maker until %v", child.ExpiresAt, short.ExpiresAt)
		}
		long, err := r.CreateToken(t.Context(), r.caller(r.login("ann").Access), &api.NewToken{})
		r.must(err)
		time.Sleep(time.Hour)
		r.stays(child.Secret)
		r.enters(long.Secret, octaskly.RoleClient)
	})
}

func TestOthersTokens(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	r.user("bob", octaskly.RoleClient)
	r.user("boss", octaskly.RoleAdmin)
	anns, bobs := r.machine("ann", ""), r.machine("bob", "")
	ann, boss := r.caller(r.login("ann").Access), r.caller(r.login("boss").Access)
	for _, id := range []string{bobs.ID, "nothing", ""} {
		_, err := r.RevokeToken(t.Context(), ann, id)
		r.refused(err, octaskly.ErrNotFound)
		if want := `cannot revoke token "` + id + `": not found`; err.Error() != want {
			t.Errorf("the error is %q", err)
		}
	}
	_, err := r.CreateToken(t.Context(), ann, &api.NewToken{User: "bob"})
	r.refused(err, octaskly.ErrDenied)
	_, err = r.CreateToken(t.Context(), ann, &api.NewToken{User: "nobody"}) // and does not learn who there is
	r.refused(err, octaskly.ErrDenied)
	list, err := r.Tokens(t.Context(), ann, false)
	r.must(err)
	if len(list) != 2 || list[0].User != "ann" || list[1].User != "ann" {
		t.Errorf("ann has %+v", list)
	}
	list, err = r.Tokens(t.Context(), boss, true)
	r.must(err)
	if len(list) != 4 {
		t.Errorf("there are %+v", list)
	}
	if list, _ = r.Tokens(t.Context(), api.Caller{Role: octaskly.RoleClient}, false); len(list) != 0 {
		t.Errorf("nobody has %+v", list)
	}
	_, err = r.RevokeToken(t.Context(), ann, anns.ID)
	r.must(err)
	first, err := r.RevokeToken(t.Context(), boss, bobs.ID)
	r.must(err)
	r.stays(anns.Secret)
	r.stays(bobs.Secret)
	again, err := r.RevokeToken(t.Context(), boss, bobs.ID)
	r.must(err)
	if again.RevokedAt == nil || !again.RevokedAt.Equal(*first.RevokedAt) {
		t.Errorf("revoked again it is %+v", again)
	}
}

func TestManyTokens(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		for i := range maxMachines {
			row := octaskly.Token{ID: newID(), Kind: octaskly.MachineToken, User: "ann", ExpiresAt: clock().Add(time.Duration(i+1) * time.Hour)}
			r.must(r.store.Record(t.Context(), recordsOf(row)))
		}
		r.restart()
		_, err := r.CreateToken(t.Context(), root, &api.NewToken{User: "ann"})
		r.refused(err, octaskly.ErrFull)
		time.Sleep(time.Hour)
		r.machine("ann", "")
	})
}
