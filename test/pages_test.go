package test

import (
	"slices"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/test/cluster"
)

// Lists of users and tokens come in pages, the next after the last of the one before.
func TestPagesOfAccounts(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	boss := settle(t, c, "boss", "admin") // with a login and a token
	want := []string{"boss"}
	for _, name := range []string{"eve", "bob", "ann", "dan"} {
		must(t, c, "user", "add", name)
		want = append(want, name)
	}
	slices.Sort(want)
	for range 3 {
		newToken(t, c, "--user", "ann")
	}
	var users, ids []string
	for after := ""; len(users) < 10; after = "&after=" + users[len(users)-1] {
		var page api.Users
		boss.do(t, "GET", "/api/v1/users?limit=2"+after, "").read(t, "users", &page)
		for _, u := range page.Users {
			users = append(users, u.Name)
		}
		if len(page.Users) < 2 {
			break
		}
	}
	if !slices.Equal(users, want) {
		t.Errorf("users are %q", users)
	}
	for after := ""; len(ids) < 10; after = "&after=" + ids[len(ids)-1] {
		var page api.Tokens
		boss.do(t, "GET", "/api/v1/tokens?all&limit=2"+after, "").read(t, "tokens", &page)
		for _, token := range page.Tokens {
			ids = append(ids, token.ID)
		}
		if len(page.Tokens) < 2 {
			break
		}
	}
	var all api.Tokens
	boss.do(t, "GET", "/api/v1/tokens?all", "").read(t, "tokens", &all)
	if len(all.Tokens) != 5 || len(ids) != 5 || !slices.EqualFunc(ids, all.Tokens, func(id string, token api.Token) bool { return id == token.ID }) {
		t.Errorf("tokens are %q, and all at once %+v", ids, all.Tokens)
	}
	boss.do(t, "GET", "/api/v1/tokens?after=nobody", "").refused(t, "after no token", 400, "bad-input")
}
