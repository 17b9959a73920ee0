package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

var rosterRequests = []struct {
	method, target, body, asked string
	status                      int
	answer                      string
}{
	{"GET", "pending", "", "pending", 200, `{"workers":[{"id":"w0","name":"w","state":"waits","since":"0001-01-01T00:00:00Z"}]}`},
	{"POST", "workers/a%20b/approve", `{"code":"483-112"}`, `approve "a b" by "483-112"`, 200, `"state":"approved"`},
	{"POST", "workers/w/approve", `{}`, `approve "w" by ""`, 200, `"name":"w"`},
	{"POST", "workers/w/reject", "", `reject "w"`, 200, `{"workers":[{"id":"w0","name":"w","state":"rejected",`},
	{"GET", "invites", "", "invites", 200, `{"invites":[{"id":"i1","state":"open",`},
	{"POST", "invites", `{}`, `invite "" for default`, 201, `"token":"octi1.secret"`},
	{"POST", "invites", `{"name":"w","expires_in":3600}`, `invite "w" for 1h0m0s`, 201, `"name":"w"`},
	{"DELETE", "invites/i1", "", `revoke invite "i1"`, 200, `"state":"revoked"`},
}

func TestRosterRequests(t *testing.T) {
	for _, tt := range rosterRequests {
		b := &books{}
		check(t, ask(newFleetHandler(&fake{}, b), "admin", tt.method, "/api/v1/"+tt.target, tt.body), tt.status, tt.answer)
		if got := strings.Join(b.asked, "\n"); got != "the admin: "+tt.asked {
			t.Errorf("%s %s asked %s, want %s", tt.method, tt.target, got, tt.asked)
		}
		b = &books{err: fmt.Errorf("cannot do that: %w", octaskly.ErrConflict)}
		check(t, ask(newFleetHandler(&fake{}, b), "admin", tt.method, "/api/v1/"+tt.target, tt.body), 409, `"kind":"conflict"`)
		check(t, ask(newHandler(&fake{}), "admin", tt.method, "/api/v1/"+tt.target, tt.body), 401, "")
		w, _ := asRoot(&fake{}, tt.method, "/api/v1/"+tt.target, tt.body) // without a roster
		check(t, w, 503, "gives no certificates")
	}
}

func TestBadRosterRequests(t *testing.T) {
	for _, tt := range []struct{ method, target, body, field string }{
		{"POST", "invites", "", "body"},
		{"POST", "invites", `{"name":"a\nb"}`, "name"},
		{"POST", "invites", `{"name":"` + strings.Repeat("x", octaskly.MaxName+1) + `"}`, "name"},
		{"POST", "invites", `{"expires_in":"1d"}`, "expires_in"},
		{"POST", "invites", `{"uses":2}`, "uses"},
		{"POST", "workers/w/approve", `{"code":483112}`, "code"},
		{"POST", "workers/w/approve", "", "body"},
		{"GET", "pending?limit=1", "", "limit"},
	} {
		b := &books{}
		check(t, ask(newFleetHandler(&fake{}, b), "admin", tt.method, "/api/v1/"+tt.target, tt.body), 400, `"field":"`+tt.field+`"`)
		if len(b.asked) > 0 {
			t.Errorf("%s %s %s asked %v", tt.method, tt.target, tt.body, b.asked)
		}
	}
}
