package api

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := knowing(New(&fake{}, &books{}, Config{Access: DefaultAccess(), Rate: 2, Burst: 3, Log: quiet}))
		ask := func(addr, token string) *httptest.ResponseRecorder {
			r := through(tlsDoor, token, httptest.NewRequest("GET", "/api/v1/stats", nil))
			c := connection{door: tlsDoor, peer: peer{-1, netip.MustParseAddr(addr)}, stopping: context.Background()}
			return send(h, r.WithContext(context.WithValue(r.Context(), connectionKey{}, c)))
		}
		statuses := func(addr, token string, want ...int) {
			t.Helper()
			for i, status := range want {
				w := ask(addr, token)
				if w.Code != status {
					t.Fatalf("request %d of %s, %s is answered %d %s, want %d", i, addr, token, w.Code, w.Body, status)
				}
				if wait := w.Header().Get("Retry-After"); (wait == "1") != (status == 429) {
					t.Fatalf("request %d of %s, %s: Retry-After is %q", i, addr, token, wait)
				}
			}
		}
		statuses("192.0.2.1", "", 401, 401, 401, 429)
		statuses("192.0.2.1", "client-a", 429) // nobody gets a token tried for nothing
		statuses("192.0.2.2", "client-a", 200, 200, 200, 429)
		statuses("192.0.2.3", "client-a", 429) // wherever it comes from
		statuses("192.0.2.3", "client-b", 200, 200, 200, 429)
		statuses("2001:db8::1", "", 401, 401, 401, 429)
		statuses("2001:db8::ffff:1", "", 429) // of the same network
		statuses("2001:db8:0:1::1", "", 401)
		time.Sleep(500 * time.Millisecond)
		statuses("192.0.2.1", "", 401, 429)
		statuses("192.0.2.1", "client-a", 200, 429) // strangers there take nothing from who is known
		time.Sleep(knownFor)
		statuses("192.0.2.1", "", 401, 401, 401, 429)
		statuses("192.0.2.1", "client-a", 429) // and is known no longer
		for range 10 {
			check(t, do(h, "GET", "/api/v1/stats", ""), 200, "") // on the machine itself
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for after, want := range map[time.Duration]string{0: "1", 1: "1", time.Second: "1", time.Second + 1: "2", 90 * time.Second: "90", 1500 * time.Millisecond: "2"} {
		b := &books{err: &TooSoon{Why: "cannot log in so soon again", After: after}}
		w := ask(newFleetHandler(&fake{}, b), "", "POST", "/api/v1/login", `{"user":"ann","password":"wrong pass"}`)
		if check(t, w, 429, `"kind":"full"`); w.Header().Get("Retry-After") != want {
			t.Errorf("after %v: Retry-After %q, want %s", after, w.Header().Get("Retry-After"), want)
		}
	}
	if !errors.Is(&TooSoon{}, octaskly.ErrFull) {
		t.Error("who comes too soon is not told that a limit was reached")
	}
}
