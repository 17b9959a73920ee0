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
		{"expires_in", api.NewToken{User: "ann", Expires: new(api.Seconds(time.Second - 1))}},
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

// A token lives for as long as was asked, be that from the midst of a second on.
func TestTokenLife(t *testing.T) {
	for _, asked := range []time.Duration{time.Second, 1500 * time.Millisecond, 2 * time.Second} {
		for _, begin := range []time.Duration{0, time.Microsecond, 300 * time.Millisecond, 999_999 * time.Microsecond} {
			inBubble(t, func(r *rig) {
				r.user("ann", octaskly.RoleClient)
				time.Sleep(begin)
				made, err := r.CreateToken(t.Context(), root, &api.NewToken{User: "ann", Expires: new(api.Seconds(asked))})
				r.must(err)
				if left := time.Until(made.ExpiresAt); left != asked {
					t.Errorf("%v after the second: a token for %v ends in %v", begin, asked, left)
				}
				time.Sleep(asked - time.Microsecond)
				r.enters(made.Secret, octaskly.RoleClient)
				time.Sleep(time.Microsecond)
				r.stays(made.Secret)
			})
		}
	}
}

// A machine token makes none, which would outlive it: who may make one, by hand.
func TestWhoMakesTokens(t *testing.T) {
	r := newRig(t)
	for _, test := range []struct {
		role                   octaskly.Role
		socket, login, machine bool
	}{
		{octaskly.RoleAdmin, true, true, false},
		{octaskly.RoleDispatcher, true, true, false},
		{octaskly.RoleClient, true, true, false},
		{octaskly.RoleWorker, false, false, false},
	} {
		name := string(test.role) + "1"
		r.user(name, test.role)
		for by, may := range map[*api.Caller]bool{
			{Name: name, Role: test.role, UID: 1000, From: "unix uid=1000"}: test.socket,
			new(r.caller(r.login(name).Access)):                             test.login,
			new(r.caller(r.machine(name, "").Secret)):                       test.machine,
		} {
			for _, how := range []*api.NewToken{{}, {Expires: new(api.Seconds(time.Second))}, {User: name}} {
				_, err := r.CreateToken(t.Context(), *by, how)
				if may {
					r.must(err)
				} else {
					r.refused(err, octaskly.ErrDenied)
				}
			}
		}
	}
	_, err := r.CreateToken(t.Context(), r.caller(r.machine("client1", "").Secret), &api.NewToken{})
	if err == nil || !strings.Contains(err.Error(), "log in (octasklyctl login), or have the operator make it on the dispatcher's socket") {
		t.Errorf("error is %v", err)
	}
}

// A token is shown with what it permits now.
func TestShownRole(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleAdmin)
	r.machine("ann", octaskly.RoleAdmin)
	r.machine("ann", octaskly.RoleWorker)
	_, err := r.ChangeUser(t.Context(), root, "ann", &api.UserChange{Role: octaskly.RoleClient})
	r.must(err)
	list, err := r.Tokens(t.Context(), root, true, api.Page{})
	r.must(err)
	roles := map[octaskly.Role]int{}
	for _, token := range list {
		roles[token.Role]++
	}
	if len(list) != 2 || roles[octaskly.RoleClient] != 1 || roles[octaskly.RoleWorker] != 1 {
		t.Errorf("the tokens are %+v", list)
	}
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
	list, err := r.Tokens(t.Context(), ann, false, api.Page{})
	r.must(err)
	if len(list) != 2 || list[0].User != "ann" || list[1].User != "ann" {
		t.Errorf("ann has %+v", list)
	}
	list, err = r.Tokens(t.Context(), boss, true, api.Page{})
	r.must(err)
	if len(list) != 4 {
		t.Errorf("there are %+v", list)
	}
	if list, _ = r.Tokens(t.Context(), api.Caller{Role: octaskly.RoleClient}, false, api.Page{}); len(list) != 0 {
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
