package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// matrix is who may do what, written by hand: what each role is answered. The
// routes are in routes.go, and nothing here is made from them.
//
//	nobody worker owner other dispatcher admin
//
// Owner and other are clients; task 42 belongs to the owner.
const matrix = `
GET    /health                       200 200 200 200 200 200
POST   /api/v1/login                 200 200 200 200 200 200
POST   /api/v1/refresh               200 200 200 200 200 200

GET    /metrics                      401 403 403 403 200 200

GET    /api/v1/version               401 200 200 200 200 200
GET    /api/v1/openapi.json          401 200 200 200 200 200
GET    /api/v1/self                  401 200 200 200 200 200
POST   /api/v1/logout                401 204 204 204 204 204
POST   /api/v1/password              401 204 204 204 204 204

POST   /api/v1/tasks                 401 403 201 201 201 201
GET    /api/v1/tasks                 401 403 200 200 200 200
GET    /api/v1/tasks/42              401 403 200 403 200 200
DELETE /api/v1/tasks/42              401 403 200 403 200 200
POST   /api/v1/tasks/42/signal       401 403 200 403 200 200
POST   /api/v1/tasks/42/retry        401 403 200 403 200 200
GET    /api/v1/tasks/42/elements     401 403 200 403 200 200
GET    /api/v1/tasks/42/why          401 403 200 403 200 200
GET    /api/v1/tasks/42/watch        401 403 200 403 200 200
GET    /api/v1/tasks/42/output       401 403 200 403 200 200
PUT    /api/v1/blobs/HASH            401 403 204 204 204 204
HEAD   /api/v1/blobs/HASH            401 403 204 204 204 204

GET    /api/v1/workers               401 403 200 200 200 200
GET    /api/v1/workers/w             401 403 200 200 200 200
DELETE /api/v1/workers/w             401 403 403 403 200 200
POST   /api/v1/workers/w/drain       401 403 403 403 200 200
POST   /api/v1/workers/w/resume      401 403 403 403 200 200
GET    /api/v1/pending               401 403 403 403 200 200
POST   /api/v1/workers/w/approve     401 403 403 403 200 200
POST   /api/v1/workers/w/reject      401 403 403 403 200 200
GET    /api/v1/invites               401 403 403 403 200 200
POST   /api/v1/invites               401 403 403 403 201 201
DELETE /api/v1/invites/i1            401 403 403 403 200 200
GET    /api/v1/events                401 403 200 200 200 200
GET    /api/v1/stats                 401 403 200 200 200 200

GET    /api/v1/users                 401 403 403 403 403 200
POST   /api/v1/users                 401 403 403 403 403 201
GET    /api/v1/users/ann             401 403 403 403 403 200
PATCH  /api/v1/users/ann             401 403 403 403 403 200
DELETE /api/v1/users/ann             401 403 403 403 403 200

GET    /api/v1/tokens                401 403 200 200 200 200
POST   /api/v1/tokens                401 403 201 201 201 201
DELETE /api/v1/tokens/t1             401 403 200 200 200 200
POST   /api/v1/keys/rotate           401 403 403 403 403 200

GET    /api/v1/audit                 401 403 403 403 403 200
POST   /api/v1/audit/verify          401 403 403 403 403 200
GET    /api/v1/audit/anchor          401 403 403 403 403 200

GET    /api/v1/tasks?owner=the+client-owner        401 403 200 403 200 200
GET    /api/v1/stats?owner=the+client-owner        401 403 200 403 200 200
GET    /api/v1/tasks?select=all&all_users          401 403 403 403 200 200
DELETE /api/v1/tasks/all?all_users                 401 403 403 403 200 200
POST   /api/v1/tasks/all/signal?all_users          401 403 403 403 200 200
POST   /api/v1/tasks/all/retry?all_users           401 403 403 403 200 200
GET    /api/v1/tokens?all                          401 403 403 403 403 200
`

// bodies are those that a route needs to get through.
var bodies = map[string]string{
	"POST /api/v1/login":             `{"user":"ann","password":"secret pass"}`,
	"POST /api/v1/refresh":           `{"refresh_token":"ort_x"}`,
	"POST /api/v1/password":          `{"present":"secret pass","new":"secret pass 2"}`,
	"POST /api/v1/tasks":             `{"argv":["true"]}`,
	"POST /api/v1/tasks/42/signal":   `{"signal":"TERM"}`,
	"POST /api/v1/tasks/all/signal":  `{"signal":"TERM"}`,
	"PUT /api/v1/blobs/HASH":         `x`,
	"POST /api/v1/workers/w/drain":   `{}`,
	"POST /api/v1/workers/w/approve": `{"code":"483-112"}`,
	"POST /api/v1/invites":           `{}`,
	"POST /api/v1/users":             `{"name":"bob"}`,
	"PATCH /api/v1/users/ann":        `{"role":"client"}`,
	"POST /api/v1/tokens":            `{"name":"ci"}`,
	"POST /api/v1/tokens?user=other": `{"name":"ci","user":"somebody"}`,
}

var tokensOfRoles = []string{"", "worker", "client-owner", "client-other", "dispatcher", "admin"}

// owned is a fake that knows whose task 42 is, as a dispatcher does.
type owned struct{ *fake }

func (o owned) mine(who Caller) error {
	if who.Admin || who.Name == "the client-owner" {
		return nil
	}
	return fmt.Errorf("cannot touch the task: %w", octaskly.ErrDenied)
}

func (o owned) ofSelection(who Caller, what Selection) error {
	if what.All {
		return nil
	}
	return o.mine(who)
}

func (o owned) Cancel(_ context.Context, who Caller, what Selection, _ string) (Outcome, error) {
	return Outcome{}, o.ofSelection(who, what)
}
func (o owned) Signal(_ context.Context, who Caller, what Selection, _ int) (Outcome, error) {
	return Outcome{}, o.ofSelection(who, what)
}
func (o owned) Retry(_ context.Context, who Caller, what Selection) (Outcome, error) {
	return Outcome{}, o.ofSelection(who, what)
}
func (o owned) Show(_ context.Context, who Caller, _ octaskly.TaskID) (*Detail, error) {
	return &Detail{}, o.mine(who)
}
func (o owned) Why(_ context.Context, who Caller, _ octaskly.TaskID) (*Why, error) {
	return &Why{}, o.mine(who)
}
func (o owned) Elements(_ context.Context, who Caller, _ octaskly.JobID, _ []octaskly.State, _ octaskly.Index, _ int) ([]Element, error) {
	return nil, o.mine(who)
}
func (o owned) Watch(_ context.Context, who Caller, _ octaskly.TaskID, _ func(*Job) error) error {
	return o.mine(who)
}
func (o owned) Output(ctx context.Context, who Caller, id octaskly.TaskID, n int, follow bool) (io.ReadCloser, error) {
	if err := o.mine(who); err != nil {
		return nil, err
	}
	return o.fake.Output(ctx, who, id, n, follow)
}

// lines of the matrix: method, target and six statuses.
func matrixLines(t *testing.T) (lines [][]string) {
	for line := range strings.Lines(matrix) {
		if words := strings.Fields(line); len(words) == 8 {
			lines = append(lines, words)
		} else if len(words) > 0 {
			t.Fatalf("the matrix has a line %q", line)
		}
	}
	return lines
}

func TestEveryRouteForEveryRole(t *testing.T) {
	h := newFleetHandler(&fake{has: true}, &books{})
	h.dispatcher = owned{&fake{has: true}}
	for _, line := range matrixLines(t) {
		method, target := line[0], line[1]
		path, _, _ := strings.Cut(target, "?")
		for i, token := range tokensOfRoles {
			want, _ := strconv.Atoi(line[2+i])
			w := ask(h, token, method, strings.Replace(target, "HASH", someHash, 1), bodies[method+" "+path])
			if w.Code != want {
				t.Errorf("%s %s by %q is answered %d %s, want %d", method, target, token, w.Code, w.Body, want)
			}
			if got := w.Header().Get("WWW-Authenticate"); (got == "Bearer") != (w.Code == 401) {
				t.Errorf("%s %s by %q: %d with WWW-Authenticate %q", method, target, token, w.Code, got)
			}
		}
	}
}

// Whatever route is added has to be in the matrix, and nothing is there twice.
func TestMatrixIsComplete(t *testing.T) {
	lines := map[string]bool{}
	for _, line := range matrixLines(t) {
		if name := line[0] + " " + line[1]; lines[name] {
			t.Errorf("%s is there twice", name)
		} else {
			lines[name] = true
		}
	}
	for _, r := range newHandler(&fake{}).routes() {
		path := strings.NewReplacer("{id}", "42", "{hash}", "HASH", "{worker}", "w", "{invite}", "i1", "{user}", "ann", "{token}", "t1").Replace(r.path)
		if !lines[r.method+" "+path] {
			t.Errorf("%s %s is not in the matrix: who may use it?", r.method, r.path)
		}
		if r.action == "" {
			t.Errorf("%s %s has no name for the audit log", r.method, r.path)
		}
		if reads := r.method == "GET" || r.method == "HEAD"; reads == r.changes() && r.action != "audit.anchor" {
			t.Errorf("%s %s is called %s", r.method, r.path, r.action)
		}
	}
}

// On a Unix socket the same table holds, with the role of a user of the machine;
// who is not known there is denied rather than asked for a token.
func TestSocketByTheSameRules(t *testing.T) {
	h := newFleetHandler(&fake{has: true}, &books{})
	h.dispatcher = owned{&fake{has: true}}
	roles := []octaskly.Role{"", octaskly.RoleWorker, octaskly.RoleClient, octaskly.RoleClient, octaskly.RoleDispatcher, octaskly.RoleAdmin}
	for i, role := range roles {
		h.names.known[1000+i] = userName{"the " + tokensOfRoles[i], role, h.names.known[0].until}
	}
	for _, line := range matrixLines(t) {
		method, target := line[0], line[1]
		path, _, _ := strings.Cut(target, "?")
		for i := range roles {
			want, _ := strconv.Atoi(line[2+i])
			switch {
			case path == "/api/v1/logout" && want == 204:
				want = 409 // there is no session
			case want == http.StatusUnauthorized:
				want = http.StatusForbidden
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, newRequest(1000+i, method, strings.Replace(target, "HASH", someHash, 1), bodies[method+" "+path]))
			if w.Code != want {
				t.Errorf("%s %s by %q is answered %d %s, want %d", method, target, tokensOfRoles[i], w.Code, w.Body, want)
			}
		}
	}
}

// A token for somebody else takes an admin.
func TestTokensForOthers(t *testing.T) {
	for i, want := range []int{401, 403, 403, 403, 403, 201} {
		check(t, ask(newFleetHandler(&fake{}, &books{}), tokensOfRoles[i], "POST", "/api/v1/tokens", `{"name":"ci","user":"somebody"}`), want, "")
	}
	check(t, ask(newFleetHandler(&fake{}, &books{}), "client-owner", "POST", "/api/v1/tokens", `{"name":"ci","user":"the client-owner"}`), 201, `"token":"s"`)
}

// A daemon without accounts takes no token, and says nothing to nobody.
func TestNoAccounts(t *testing.T) {
	h := newHandler(&fake{})
	for _, token := range []string{"", "admin"} {
		check(t, ask(h, token, "GET", "/api/v1/stats", ""), 401, `"kind":"unauthorized"`)
	}
	check(t, do(h, "POST", "/api/v1/login", `{"user":"ann","password":"secret pass"}`), 503, "keeps no users")
	check(t, do(newLone(lone{}), "POST", "/api/v1/login", `{"user":"ann","password":"secret pass"}`), 421, "elsewhere")
	r := newRequest(0, "GET", "/api/v1/workers", "")
	check(t, send(newLone(lone{}), r, "Authorization", "Bearer admin"), 401, "use it over HTTPS")
}
