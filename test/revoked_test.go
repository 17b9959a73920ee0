package test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/test/cluster"
)

// What is being followed with a token ends with what the token permits, cut off and not as
// if that were all; and who comes back with it is not known. Others go on.
func TestStreamsEndWithTheirToken(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true})
	bob := settle(t, c, "bob", "client")
	others := bob.followAll(t, bob.long(t))
	for name, end := range map[string]struct {
		by   func(t *testing.T, ann *person)
		then int // who comes back
	}{
		"revoked":  {func(t *testing.T, ann *person) { must(t, c, "token", "revoke", ann.tokenID(t)) }, 401},
		"disabled": {func(t *testing.T, ann *person) { must(t, c, "user", "set", "--disable", ann.name) }, 401},
		"removed":  {func(t *testing.T, ann *person) { must(t, c, "user", "rm", ann.name) }, 401},
		"lessened": {func(t *testing.T, ann *person) { must(t, c, "user", "set", "--role", "worker", ann.name) }, 403},
		"expired":  {func(t *testing.T, ann *person) {}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			ann := settle(t, c, "ann-"+name, "client")
			id := ann.long(t)
			if name == "expired" {
				ann.token = newToken(t, c, "--user", ann.name, "--expires", "10s")
			}
			streams := ann.followAll(t, id)
			end.by(t, ann)
			for path, body := range streams {
				switch _, err := io.Copy(io.Discard, body); {
				case err == nil:
					t.Errorf("%s ends as if it were whole", path)
				case errors.Is(err, context.DeadlineExceeded):
					t.Errorf("%s does not end", path)
				}
			}
			if a := ann.do(t, "GET", "/api/v1/tasks/"+id, ""); a.status != end.then {
				t.Errorf("who comes back is answered %d %s", a.status, a.text)
			}
		})
	}
	must(t, c, "cancel", "--all-users", "all")
	for path, body := range others {
		if strings.HasSuffix(path, "events") {
			continue // without an end
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			t.Errorf("%s of another ends: %v", path, err)
		}
	}
}

// long submits a task that goes on.
func (p *person) long(t *testing.T) (id string) {
	t.Helper()
	var made api.Accepted
	p.do(t, "POST", "/api/v1/tasks", `{"argv":["sleep","600"],"sandbox":"none"}`).read(t, "submit", &made)
	return made.ID
}

// tokenID is that of the person's one machine token.
func (p *person) tokenID(t *testing.T) string {
	t.Helper()
	var all api.Tokens
	p.do(t, "GET", "/api/v1/tokens", "").read(t, "tokens", &all)
	for _, token := range all.Tokens {
		if token.Kind == "machine" {
			return token.ID
		}
	}
	t.Fatal("there is no machine token")
	return ""
}

// followAll opens each stream there is, in each of its forms.
func (p *person) followAll(t *testing.T, id string) map[string]io.Reader {
	t.Helper()
	const events = "text/event-stream"
	streams := map[string]io.Reader{}
	for _, s := range []struct{ path, accept string }{
		{"/api/v1/tasks/" + id + "/output?follow=true", ""},
		{"/api/v1/tasks/" + id + "/output?follow=true&stream=stdout", ""},
		{"/api/v1/tasks/" + id + "/output?follow=true&from=0", events},
		{"/api/v1/tasks/" + id + "/watch?", ""},
		{"/api/v1/tasks/" + id + "/watch", events},
		{"/api/v1/events", events},
	} {
		streams[s.path] = p.open(t, s.path, s.accept)
	}
	return streams
}

// open makes a request whose answer goes on.
func (p *person) open(t *testing.T, path, accept string) io.Reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience) // it outlives some tests
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", p.c.REST()+path, nil)
	check(t, err)
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Accept", accept)
	answer, err := p.web.Do(r)
	check(t, err)
	t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != 200 {
		t.Fatalf("%s: %s", path, answer.Status)
	}
	return answer.Body
}
