package api

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// asRoot serves one request of an admin and says what the dispatcher was asked.
func asRoot(f *fake, method, target, body string) (w *httptest.ResponseRecorder, asked string) {
	f.asked = func(s string) { asked += s }
	w = httptest.NewRecorder()
	newHandler(f).ServeHTTP(w, newRequest(0, method, target, body))
	return w, asked
}

var fleetChanges = []struct {
	method, target, body, asked, answer string
}{
	{"POST", "/api/v1/workers/w%201/drain", `{"reason":"disk swap","deadline":90.5}`, `drain root w 1 "disk swap" 1m30.5s`, `"drain":{"by":"root",`},
	{"POST", "/api/v1/workers/w/drain", `{"deadline":0}`, `drain root w "" 0s`, `"name":"w"`},
	{"POST", "/api/v1/workers/w/drain", `{}`, `drain root w "" none`, `"name":"w"`},
	{"POST", "/api/v1/workers/w/resume", "", "resume root w", `"name":"w"`},
	{"DELETE", "/api/v1/workers/w", "", "remove root w", `"state":"lost"`},
}

func TestFleetChanges(t *testing.T) {
	for _, tt := range fleetChanges {
		w, asked := asRoot(&fake{}, tt.method, tt.target, tt.body)
		if check(t, w, 200, tt.answer); asked != tt.asked {
			t.Errorf("asked %s, want %s", asked, tt.asked)
		}
		w, asked = asRoot(&fake{err: fmt.Errorf("cannot remove it: %w", octaskly.ErrConflict)}, tt.method, tt.target, tt.body)
		if check(t, w, 409, `"kind":"conflict"`); asked == "" {
			t.Errorf("%s %s does not ask", tt.method, tt.target)
		}
	}
}

// What changes the fleet is an admin's.
func TestFleetChangesAreAnAdmins(t *testing.T) {
	for _, tt := range fleetChanges {
		h := newHandler(&fake{asked: func(s string) { t.Errorf("asked the dispatcher: %s", s) }})
		check(t, do(h, tt.method, tt.target, tt.body), 403, "ann has the role client, which does not permit worker.")
	}
}

func TestBadDrains(t *testing.T) {
	for body, want := range map[string]string{
		"":                  `it is empty, not JSON`,
		`{"deadline":-1}`:   `"field":"deadline"`,
		`{"deadline":"5m"}`: `deadline: want a number of seconds from 0 to ten years`,
		`{"deadline":1e99}`: `"field":"deadline"`,
		`{"reason":"a\nb"}`: `"field":"reason"`,
		`{"reason":"` + strings.Repeat("x", maxReason+1) + `"}`: `it has 1025 bytes, 1024 are allowed`,
		`{"by":"me"}`: `"field":"by"`,
	} {
		w, asked := asRoot(&fake{}, "POST", "/api/v1/workers/w/drain", body)
		if check(t, w, 400, want); asked != "" {
			t.Errorf("%s: asked the dispatcher %s", body, asked)
		}
	}
	w, _ := asRoot(&fake{}, "POST", "/api/v1/workers/w/drain?deadline=5", "{}")
	check(t, w, 400, `"field":"deadline"`)
}
