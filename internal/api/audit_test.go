package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// What is done and what is refused, and the row of each.
func TestAuditRows(t *testing.T) {
	const secret = "correct horse battery"
	tests := []struct {
		token, method, target, body string
		err                         error // of dispatcher and accounts
		rows                        string
	}{
		{"client-a", "POST", "/api/v1/tasks", `{"argv":["true"]}`, nil, `the client-a/client/id of client-a/192.0.2.7 task.submit "42" done ""`},
		{"client-a", "DELETE", "/api/v1/tasks/42.3-7", "", nil, `the client-a/client/id of client-a/192.0.2.7 task.cancel "42.3-7" done ""`},
		{"admin", "POST", "/api/v1/workers/w/drain", "{}", nil, `the admin/admin/id of admin/192.0.2.7 worker.drain "w" done ""`},
		{"admin", "POST", "/api/v1/keys/rotate", "", nil, `the admin/admin/id of admin/192.0.2.7 key.rotate "" done ""`},
		{"admin", "GET", "/api/v1/audit/anchor", "", nil, `the admin/admin/id of admin/192.0.2.7 audit.anchor "" done ""`},
		{"client-a", "POST", "/api/v1/logout", "", nil, `the client-a/client/id of client-a/192.0.2.7 session.logout "id of client-a" done ""`},
		{"client-a", "POST", "/api/v1/tokens", `{"name":"ci"}`, nil, `the client-a/client/id of client-a/192.0.2.7 token.create "t1" done ""`},
		{"", "POST", "/api/v1/login", `{"user":"ann","password":"` + secret + `"}`, nil, `ann/client//192.0.2.7 session.login "ann" done ""`},
		{"", "POST", "/api/v1/refresh", `{"refresh_token":"ort_x"}`, nil, `ann/client//192.0.2.7 session.refresh "ann" done ""`},

		{"client-a", "GET", "/api/v1/tasks", "", nil, ""},
		{"client-a", "PUT", "/api/v1/blobs/" + someHash, "x", nil, ""},
		{"", "GET", "/health", "", nil, ""},
		{"", "GET", "/nothing", "", nil, ""},

		{"", "GET", "/api/v1/stats", "", nil, `///192.0.2.7 stats.read "" unauthorized "cannot tell who is calling: there is no header Authorization; get a token by octasklyctl login: not known"`},
		{"evil", "DELETE", "/api/v1/tasks/42", "", nil, `///192.0.2.7 task.cancel "42" unauthorized "cannot accept the token: not known"`},
		{"client-a", "GET", "/api/v1/users/bob", "", nil, `the client-a/client/id of client-a/192.0.2.7 user.read "bob" denied "the client-a has the role client, which does not permit user.read; ask an admin: not permitted"`},
		{"worker", "POST", "/api/v1/tasks", `{"argv":["true"]}`, nil, `the worker/worker/id of worker/192.0.2.7 task.submit "" denied "the worker has the role worker, which does not permit task.submit; ask an admin: not permitted"`},
		{"client-a", "DELETE", "/api/v1/tasks/42", "", octaskly.ErrDenied, `the client-a/client/id of client-a/192.0.2.7 task.cancel "42" denied "cannot do it: not permitted"`},
		{"client-a", "DELETE", "/api/v1/tasks/42", "", octaskly.ErrNotFound, `the client-a/client/id of client-a/192.0.2.7 task.cancel "42" not-found "cannot do it: not found"`},
		{"client-a", "GET", "/api/v1/tasks/42", "", octaskly.ErrNotFound, ""},
		{"client-a", "GET", "/api/v1/tasks/42", "", octaskly.ErrDenied, `the client-a/client/id of client-a/192.0.2.7 task.read "42" denied "cannot do it: not permitted"`},
		{"client-a", "POST", "/api/v1/tasks", `{"argv":["true"]}`, octaskly.ErrFull, ""},
		{"client-a", "POST", "/api/v1/tasks", `{"argv":["true"]}`, errors.New("disk"), ""},
		{"client-a", "POST", "/api/v1/tasks", `{"argv":["true"]}`, context.Canceled, ""},
		{"", "POST", "/api/v1/login", `{"user":"ann","password":"` + secret + `"}`, octaskly.ErrUnknown, `///192.0.2.7 session.login "ann" unauthorized "cannot do it: not known"`},
		{"", "POST", "/api/v1/login", `{"user":"ann","password":"` + secret + `"}`, &TooSoon{Why: "too soon"}, `///192.0.2.7 session.login "ann" full "cannot do it: too soon"`},

		{"client-a", "POST", "/api/v1/tasks", `{"argv":["true"],"env":[{"A":"` + secret + `"}]}`, nil, `the client-a/client/id of client-a/192.0.2.7 task.submit "" bad-input "env"`},
		{"", "POST", "/api/v1/login", `{"user":"ann","password":["` + secret + `"]}`, nil, `///192.0.2.7 session.login "ann" bad-input "password"`},
		{"", "POST", "/api/v1/login?password=" + "correct+horse+battery", `{}`, nil, `///192.0.2.7 session.login "" bad-input "password"`},
		{"client-a", "POST", "/api/v1/tasks/" + strings.Repeat("9", 400) + "%0a%ff/retry", "", nil,
			`the client-a/client/id of client-a/192.0.2.7 task.retry "` + strings.Repeat("9", 200) + `" bad-input "id"`},
		{"client-a", "POST", "/api/v1/tasks/%0a%ff%e2%80%ae/retry", "", nil, `the client-a/client/id of client-a/192.0.2.7 task.retry "???" bad-input "id"`},
	}
	for _, tt := range tests {
		b := &books{}
		f := &fake{}
		if tt.err != nil {
			b.err = fmt.Errorf("cannot do it: %w", tt.err)
			f.err = b.err
		}
		w := ask(newFleetHandler(f, b), tt.token, tt.method, tt.target, tt.body)
		if rows := b.taken(); rows != tt.rows {
			t.Errorf("%s %.60s by %q, answered %d %s, has the rows\n%s\nwant\n%s", tt.method, tt.target, tt.token, w.Code, w.Body, rows, tt.rows)
		} else if strings.Contains(rows, secret) {
			t.Errorf("a secret is in %s", rows)
		}
	}
}

// A row that is written with its change is not written again.
func TestAuditWritten(t *testing.T) {
	b := &books{writes: true}
	h := newFleetHandler(&fake{}, b)
	check(t, ask(h, "admin", "POST", "/api/v1/users", `{"name":"bob"}`), 201, `"name":"bob"`)
	if rows := b.taken(); rows != `the admin/admin/id of admin/192.0.2.7 user.create "bob" done ""` {
		t.Error(rows)
	}
}

// Nothing is said to be done, nor even refused, that is not in the audit log.
func TestAuditFails(t *testing.T) {
	b := &books{failing: errors.New("the disk is full")}
	h := newFleetHandler(&fake{}, b)
	check(t, ask(h, "client", "POST", "/api/v1/tasks", `{"argv":["true"]}`), 503, "task.submit has happened, but the audit log cannot be written: unavailable")
	check(t, ask(h, "", "POST", "/api/v1/login", `{"user":"ann","password":"secret pass"}`), 503, "session.login has happened")
	check(t, ask(h, "", "GET", "/api/v1/stats", ""), 503, "cannot do anything while the audit log cannot be written: unavailable")
	check(t, ask(h, "client", "GET", "/api/v1/stats", ""), 200, "")
	b.err = octaskly.ErrUnavailable
	check(t, ask(h, "admin", "POST", "/api/v1/keys/rotate", ""), 503, `"message":"unavailable"`)
}

// Who leaves before his answer is in the audit log nevertheless.
func TestAuditOfWhoLeaves(t *testing.T) {
	b := &books{}
	r := through(tlsDoor, "evil", newRequest(-1, "GET", "/api/v1/users", ""))
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	send(newFleetHandler(&fake{}, b), r.WithContext(ctx))
	if rows := b.taken(); !strings.Contains(rows, "user.read") {
		t.Errorf("the audit log has %q", rows)
	}
}
