package api

import (
	"strings"
	"testing"
)

// What the accounts are asked, and what is refused before.
func TestAccountRoutes(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	hash := strings.Repeat("ab", 32)
	tests := []struct {
		method, target, body string
		status               int
		asked                string // of the accounts, by the admin
		answer               string
	}{
		{"POST", "login", `{"user":"ann","password":"secret pass"}`, 200, ": login ann from 192.0.2.7", `"access_token":"a"`},
		{"POST", "login", `{"user":"ann"}`, 400, "", `"field":"password"`},
		{"POST", "login", `{"password":"secret pass"}`, 400, "", `"field":"user"`},
		{"POST", "login", `{"user":"ann","password":"secret pass","otp":"1"}`, 400, "", `"field":"otp"`},
		{"POST", "refresh", `{}`, 400, "", `"field":"refresh_token"`},
		{"POST", "refresh", `{"refresh_token":"ort_x"}`, 200, ": refresh from 192.0.2.7", `"refresh_token":"r2"`},
		{"POST", "logout", ``, 204, "the admin: logout id of admin", ""},
		{"POST", "password", `{"present":"a"}`, 400, "", `"field":"new"`},
		{"POST", "password", `{"new":"a"}`, 400, "", `"field":"present"`},
		{"POST", "password", `{"present":"a","new":"b"}`, 204, "the admin: password", ""},

		{"GET", "users", "", 200, "the admin: users { 100}", `{"users":[{"name":"ann"`},
		{"GET", "users?after=ann&limit=1000", "", 200, "the admin: users {ann 1000}", ""},
		{"GET", "users?limit=1001", "", 400, "", `"field":"limit"`},
		{"GET", "users?limit=0", "", 400, "", `"field":"limit"`},
		{"GET", "users?after=" + long, "", 400, "", `"field":"after"`},
		{"GET", "users?before=ann", "", 400, "", `"field":"before"`},
		{"GET", "users/ann%20x", "", 200, "the admin: user ann x", `"name":"ann x"`},
		{"POST", "users", `{"name":"bob","role":"dispatcher"}`, 201, "the admin: create bob dispatcher", `"name":"bob"`},
		{"POST", "users", `{}`, 400, "", `"field":"name"`},
		{"POST", "users", `{"name":"a\nb"}`, 400, "", `"field":"name"`},
		{"POST", "users", `{"name":"` + long + `"}`, 400, "", `"field":"name"`},
		{"POST", "users", `{"name":"bob","role":"root"}`, 400, "", `"field":"role"`},
		{"POST", "users", `{"name":"bob","quota":{"queued":-2}}`, 400, "", `"field":"quota.queued"`},
		{"PATCH", "users/ann", `{"role":"admin"}`, 200, "the admin: change ann admin", `"name":"ann"`},
		{"PATCH", "users/ann", `{"quota":{"submits_per_second":-0.5}}`, 400, "", `"field":"quota.submits_per_second"`},
		{"DELETE", "users/ann", ``, 200, "the admin: remove ann", `"name":"ann"`},

		{"GET", "tokens", "", 200, "the admin: tokens false { 100}", `{"tokens":[]}`},
		{"GET", "tokens?all", "", 200, "the admin: tokens true { 100}", `{"tokens":[]}`},
		{"GET", "tokens?after=t1&limit=7", "", 200, "the admin: tokens false {t1 7}", ""},
		{"GET", "tokens?limit=x", "", 400, "", `"field":"limit"`},
		{"POST", "tokens", `{"name":"ci","user":"bob","expires_in":3600}`, 201, "the admin: token ci bob", `"token":"s"`},
		{"POST", "tokens", `{"name":"a\nb"}`, 400, "", `"field":"name"`},
		{"POST", "tokens", `{"name":"ci","expires_in":-1}`, 400, "", `"field":"expires_in"`},
		{"DELETE", "tokens/t1", "", 200, "the admin: revoke t1", `"id":"t1"`},
		{"POST", "keys/rotate", "", 200, "the admin: rotate", `{"ids":["k2","k1"]}`},

		{"GET", "audit", "", 200, "the admin: audit {Who: What: Target: Outcome: Since:0001-01-01 00:00:00 +0000 UTC Until:0001-01-01 00:00:00 +0000 UTC Before:0 Limit:100}", `{"actions":[]}`},
		{"GET", "audit?who=ann&what=task&target=42&outcome=refused&since=2026-01-02T03:04:05Z&until=2026-01-03T03:04:05.5Z&before=9&limit=5", "", 200,
			"the admin: audit {Who:ann What:task Target:42 Outcome:refused Since:2026-01-02 03:04:05 +0000 UTC Until:2026-01-03 03:04:05.5 +0000 UTC Before:9 Limit:5}", ""},
		{"GET", "audit?since=yesterday", "", 400, "", `"field":"since"`},
		{"GET", "audit?until=", "", 400, "", `"field":"until"`},
		{"GET", "audit?before=0", "", 400, "", `"field":"before"`},
		{"POST", "audit/verify", "", 200, "the admin: verify <nil>", `"intact":true`},
		{"POST", "audit/verify", `{"seq":7,"hash":"` + hash + `"}`, 200, "the admin: verify &{Seq:7 At:0001-01-01 00:00:00 +0000 UTC Hash:" + hash + "}", ""},
		{"POST", "audit/verify", `{"seq":0,"hash":"` + hash + `"}`, 400, "", `"field":"seq"`},
		{"POST", "audit/verify", `{"seq":1,"hash":"ab"}`, 400, "", `"field":"hash"`},
		{"GET", "audit/anchor", "", 200, "the admin: anchor", `"seq":7`},
	}
	for _, tt := range tests {
		b := &books{}
		w := ask(newFleetHandler(&fake{}, b), "admin", tt.method, "/api/v1/"+tt.target, tt.body)
		check(t, w, tt.status, tt.answer)
		if got := strings.Join(b.asked, "\n"); got != tt.asked {
			t.Errorf("%s %.60s %.60s asked the accounts\n%s\nwant\n%s", tt.method, tt.target, tt.body, got, tt.asked)
		}
	}
}
