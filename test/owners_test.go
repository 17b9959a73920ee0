package test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/test/cluster"
)

// Whose a task is counts however it is asked for, and from its first moment on: ann
// asks for each id before bob has it, while he submits, and afterwards.
func TestOwners(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true, DispatcherFlags: []string{"--rest-requests-per-second", "100000", "--rest-burst", "100000"}})
	ann, bob, eve := settle(t, c, "ann", "client"), settle(t, c, "bob", "client"), settle(t, c, "eve", "admin")
	must(t, c, "submit", "--", "true") // 1 is root's
	mine := strings.TrimSpace(ann.must(t, "submit", "--", "true"))

	const jobs = 8
	var both sync.WaitGroup
	both.Go(func() {
		for i := range jobs {
			argv := `["sh","-c","echo secret of bob; sleep 1000"]`
			if a := bob.do(t, "POST", "/api/v1/tasks", `{"argv":`+argv+`,"array":"0-1","idempotency_key":"k`+itoa(i)+`"}`); a.status != 201 {
				t.Errorf("bob's submission: %+v", a)
			}
		}
	})
	both.Go(func() {
		for i := range 3 * jobs {
			ann.pry(t, itoa(3+i%jobs))
		}
	})
	both.Wait()
	awaitSuccess(t, func() bool { return bob.job(t, "3").Counts["running"] == 2 })
	for id := 3; id < 3+jobs; id++ {
		ann.pry(t, itoa(id))
	}
	ann.must(t, "wait", mine)
	ann.sweeps(t, mine)
	for id := 3; id < 3+jobs; id++ {
		if job := bob.job(t, itoa(id)); job.Counts["cancelled"] != 0 || job.Owner != "bob" {
			t.Errorf("bob's job is %+v", job)
		}
	}
	var own api.Accepted
	ann.do(t, "POST", "/api/v1/tasks", `{"argv":["true"],"idempotency_key":"k0"}`).read(t, "bob's key", &own)
	if own.Repeated || own.ID != itoa(3+jobs) {
		t.Errorf("with bob's key, ann gets %+v", own)
	}
	if all := eve.list(t, "?all=true&limit=1000"); len(all) != 3+jobs {
		t.Errorf("an admin sees %v", all)
	}
	awaitSuccess(t, func() bool {
		return eve.do(t, "GET", "/api/v1/tasks/3.0/output?stream=stdout", "").text == "secret of bob\n"
	})
	var outcome api.Outcome
	eve.do(t, "DELETE", "/api/v1/tasks/all?all_users=true", "").read(t, "an admin's cancel", &outcome)
	if outcome.Done < 2*jobs {
		t.Errorf("an admin cancels %+v", outcome)
	}
}

// pry tries all there is on somebody else's job, which may be there or not.
func (p *person) pry(t *testing.T, id string) {
	t.Helper()
	for _, request := range []struct{ method, path, body string }{
		{"GET", "", ""}, {"GET", ".0", ""}, {"GET", "/elements", ""}, {"GET", "/watch", ""},
		{"GET", ".0/output", ""}, {"GET", ".0/output?stream=stdout", ""}, {"GET", ".0/output?follow=true", ""},
		{"DELETE", "", ""}, {"DELETE", ".0", ""}, {"DELETE", ".0-1", ""}, {"POST", "/retry", ""}, {"POST", ".0/signal", `{"signal":"KILL"}`},
	} {
		a := p.do(t, request.method, "/api/v1/tasks/"+id+request.path, request.body)
		// 410 is for an id that is given out, and not there yet, or no longer.
		if a.status != 403 && a.status != 404 && a.status != 410 || strings.Contains(a.text, "secret") {
			t.Errorf("%s %s%s: %+v", request.method, id, request.path, a)
			return // before one that waits for the end of the job
		}
	}
}

// sweeps selects without an id, or by many, and finds nothing but what is the person's.
func (p *person) sweeps(t *testing.T, mine string) {
	t.Helper()
	for _, query := range []string{"", "?all=true", "?select=last&all=true", "?owner=" + p.name + "&all=true", "?select=1-100&all=true"} {
		if got := p.list(t, query); !slices.Equal(got, []string{mine}) {
			t.Errorf("list %q: %v, want %v", query, got, mine)
		}
	}
	if got := p.list(t, "?select=all"); len(got) != 0 { // those that are not over
		t.Errorf("all: %v", got)
	}
	p.do(t, "GET", "/api/v1/tasks?owner=bob", "").refused(t, "bob's list", 403, "denied")
	p.do(t, "GET", "/api/v1/tasks?all=true&all_users=true&select=all", "").refused(t, "everybody's list", 403, "denied")
	for _, request := range []struct{ method, path, body string }{
		{"DELETE", "all", ""}, {"POST", "all/retry", ""}, {"POST", "all/signal", `{"signal":"KILL"}`}, {"DELETE", "last", ""},
	} {
		a := p.do(t, request.method, "/api/v1/tasks/"+request.path, request.body)
		var outcome api.Outcome
		a.read(t, request.path, &outcome)
		if request.method == "DELETE" && outcome.Done != 0 {
			t.Errorf("%s %s: %s", request.method, request.path, a.text)
		}
	}
	p.do(t, "DELETE", "/api/v1/tasks/all?all_users=true", "").refused(t, "cancel everybody's", 403, "denied")
}

func (p *person) list(t *testing.T, query string) (ids []string) {
	t.Helper()
	var jobs api.Jobs
	p.do(t, "GET", "/api/v1/tasks"+query, "").read(t, "list "+query, &jobs)
	for _, job := range jobs.Tasks {
		ids = append(ids, job.ID)
	}
	return ids
}

func (p *person) job(t *testing.T, id string) (job api.Detail) {
	t.Helper()
	p.do(t, "GET", "/api/v1/tasks/"+id, "").read(t, "show "+id, &job)
	return job
}
