package api

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// lone is a worker that answers for itself.
type lone struct {
	features []string
	err      error
}

func (l lone) Worker(context.Context, Caller) (*Worker, error) {
	checks := ChecksOf([]octaskly.Check{{Subject: "limit:disk", Name: "quota", What: "w", Why: "no quota"}})
	return &Worker{ID: "0123456789abcdef", Name: "node 1", Features: l.features, Checks: checks}, l.err
}

func (lone) Dispatcher() string { return "its dispatcher is at queue:7878" }

func newLone(l lone) *Handler {
	h := NewWorker(l, nil, Config{Version: "1.2.3", Access: AccessList{Clients: []string{"*"}}, Log: quiet})
	h.names = newHandler(&fake{}).names
	return h
}

func TestWorkersSocket(t *testing.T) {
	h := newLone(lone{features: []string{octaskly.KillCgroup, "level:none", "level:strict", octaskly.LimitDisk, octaskly.NetworkHost}})
	const offer = `"contains":"cgroup","seen_at":"0001-01-01T00:00:00Z","levels":["none","strict"],"limits":["disk"],"host_network":true`
	const checks = `,"checks":[{"subject":"limit:disk","name":"quota","what":"w","held":false,"why":"no quota"}]}`
	check(t, do(h, "GET", "/api/v1/workers", ""), 200, offer+"}]}")
	check(t, do(h, "GET", "/api/v1/workers/node%201", ""), 200, offer+checks)
	check(t, do(h, "GET", "/api/v1/workers/0123456789abcdef", ""), 200, offer+checks)
	check(t, do(h, "GET", "/api/v1/workers/other", ""), 421, "only a worker answers here; its dispatcher is at queue:7878")
	check(t, do(h, "GET", "/api/v1/tasks", ""), 421, `"kind":"elsewhere"`)
	check(t, do(h, "GET", "/health", ""), 200, "ok")

	check(t, do(newLone(lone{}), "GET", "/api/v1/workers/node%201", ""), 200,
		`"features":[],"contains":"best-effort","seen_at":"0001-01-01T00:00:00Z","levels":[],"limits":[],"host_network":false`)
	broken := newLone(lone{err: octaskly.ErrUnavailable})
	check(t, do(broken, "GET", "/api/v1/workers", ""), 503, "unavailable")
	check(t, do(broken, "GET", "/api/v1/workers/other", ""), 503, "unavailable")
}

// Everything that a worker may offer is said, the weakest level first.
func TestOffer(t *testing.T) {
	var w Worker
	w.Offer([]string{"limit:processes", "limit:open-files", "limit:memory", "limit:disk", "limit:cpu-time", "limit:sorrow",
		"level:very-strict", "level:strict", "level:basic", "level:none", "level:odd", octaskly.KeepWorkspace})
	want := Worker{
		Features: w.Features, Contains: "best-effort",
		Levels: []string{"none", "basic", "strict", "very-strict"},
		Limits: []string{"cpu-time", "memory", "disk", "open-files", "processes"},
	}
	if diff := cmp.Diff(want, w); diff != "" {
		t.Error(diff)
	}
}
