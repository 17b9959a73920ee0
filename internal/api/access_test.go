package api

import (
	"errors"
	"os/user"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// testMachine has users root(0), ann(1) and bob(2), toor for root's other name, and
// groups staff (ann, bob) and wheel (ann).
func testMachine() machine {
	users := map[string]*user.User{
		"root": {Uid: "0", Username: "root"}, "toor": {Uid: "0", Username: "toor"},
		"ann": {Uid: "1", Username: "ann"}, "bob": {Uid: "2", Username: "bob"},
	}
	ofUID := map[string]*user.User{"0": users["root"], "1": users["ann"], "2": users["bob"]}
	groups := map[string][]string{"ann": {"10", "20"}, "bob": {"10"}}
	find := func(m map[string]*user.User) func(string) (*user.User, error) {
		return func(name string) (*user.User, error) {
			if u := m[name]; u != nil {
				return u, nil
			}
			return nil, user.UnknownUserError(name)
		}
	}
	return machine{
		lookup: find(ofUID), byName: find(users),
		byGroup: func(name string) (*user.Group, error) {
			if gid := map[string]string{"staff": "10", "wheel": "20"}[name]; gid != "" {
				return &user.Group{Gid: gid, Name: name}, nil
			}
			return nil, user.UnknownGroupError(name)
		},
		groups: func(u *user.User) ([]string, error) {
			if u.Username == "root" {
				return nil, errors.New("no list")
			}
			return groups[u.Username], nil
		},
	}
}

func TestAccessList(t *testing.T) {
	tests := []struct {
		admins, dispatchers, clients string
		roles                        string // of root, ann, bob and 77, which has no name
	}{
		{"root", "", "*", "admin client client client"},
		{"", "", "", "- - - -"},
		{"toor", "", "", "admin - - -"},
		{"ann", "ann bob", "*", "client admin dispatcher client"},
		{"@wheel", "@staff", "root", "client admin dispatcher -"},
		{"@nothing nobody @ @staffx", "", "ann", "- client - -"},
		{"uid:77 @uid:77", "", "77", "- - - client"},
		{"*", "ann", "", "admin admin admin admin"},
		{"1", "", "", "- admin - -"},
		{"@*", "", "", "- - - -"},
		{"Ann ROOT 01", "", "", "- - - -"},
	}
	for _, tt := range tests {
		list := AccessList{strings.Fields(tt.admins), strings.Fields(tt.dispatchers), strings.Fields(tt.clients)}
		names := newUserNames(list)
		names.machine = testMachine()
		var roles []string
		for _, uid := range []int{0, 1, 2, 77} {
			role := string(names.of(uid).role)
			if role == "" {
				role = "-"
			}
			roles = append(roles, role)
		}
		if got := strings.Join(roles, " "); got != tt.roles {
			t.Errorf("%q, %q, %q makes %s, want %s", tt.admins, tt.dispatchers, tt.clients, got, tt.roles)
		}
	}
}

// A machine without /etc/passwd has an admin.
func TestRootWithoutPasswd(t *testing.T) {
	names := newUserNames(AccessList{Admins: []string{"root"}})
	m := testMachine()
	m.lookup = func(string) (*user.User, error) { return nil, errors.New("no such file") }
	m.byName = m.lookup
	names.machine = m
	if got := names.of(0); got.role != octaskly.RoleAdmin || got.name != "uid:0" {
		t.Errorf("root is %+v", got)
	}
	if got := names.of(1); got.role != "" {
		t.Errorf("another one is %+v", got)
	}
}

// Who is in no list learns where the lists are.
func TestNoRole(t *testing.T) {
	h := newHandler(&fake{})
	h.names.known[7] = userName{"seven", "", h.names.known[0].until}
	for _, path := range []string{"/api/v1/version", "/api/v1/stats", "/api/v1/self"} {
		w := send(h, newRequest(7, "GET", path, ""))
		check(t, w, 403, "seven is in none of the lists under [access]")
	}
}

func TestSelf(t *testing.T) {
	h := newFleetHandler(&fake{}, &books{})
	check(t, ask(h, "client-a", "GET", "/api/v1/self", ""), 200,
		`{"name":"the client-a","role":"client","token":"id of client-a","from":"192.0.2.7","permissions":["submit","read-tasks","change-tasks","read-workers","read-stats","own-tokens"]}`)
	check(t, do(h, "GET", "/api/v1/self", ""), 200, `{"name":"ann","role":"client","from":"unix uid=54321",`)
}

// Every permission of an admin has a name.
func TestPermissionNames(t *testing.T) {
	all := auth.Permission(0)
	for _, p := range permissionNames {
		if p.name == "" || all&p.permission != 0 {
			t.Errorf("%q is not one permission of its own", p.name)
		}
		all |= p.permission
	}
	if all != auth.Of(octaskly.RoleAdmin) {
		t.Errorf("permissions %b have names, an admin has %b", all, auth.Of(octaskly.RoleAdmin))
	}
}
