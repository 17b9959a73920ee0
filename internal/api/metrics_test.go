package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/metrics"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Every answer is counted once, whatever becomes of it, and errors by their kind.
func TestTraffic(t *testing.T) {
	h := newFleetHandler(&fake{has: true}, &books{})
	h.meters = []Meter{func(_ context.Context, p *metrics.Page) error {
		p.Gauge("of_the_daemon", "One.", metrics.Of(7))
		return nil
	}}
	ask(h, "admin", "GET", "/api/v1/stats", "")
	ask(h, "", "GET", "/api/v1/stats", "")
	ask(h, "client-owner", "GET", "/metrics", "")
	ask(h, "admin", "GET", "/nowhere", "")
	ask(h, "admin", "PUT", "/metrics", "")
	page := ask(h, "admin", "GET", "/metrics", "").Body.String()
	for _, want := range []string{
		"of_the_daemon 7\n", "octaskly_http_refusals_total{kind=\"unauthorized\"} 1\n", "octaskly_http_refusals_total{kind=\"denied\"} 1\n",
		"octaskly_http_refusals_total{kind=\"no-such-path\"} 1\n", "octaskly_http_refusals_total{kind=\"method-not-allowed\"} 1\n",
		"octaskly_http_refusals_total{kind=\"internal\"} 0\n", `code="2xx"} 1` + "\n", `code="4xx"} 4` + "\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

// A meter that fails is an answer of the API's, and none of half a page.
func TestMeterThatFails(t *testing.T) {
	h := newFleetHandler(&fake{}, &books{})
	h.meters = []Meter{func(context.Context, *metrics.Page) error {
		return fmt.Errorf("the dispatcher is stopping: %w", octaskly.ErrUnavailable)
	}}
	check(t, ask(h, "admin", "GET", "/metrics", ""), 503, `"kind":"unavailable"`)
}

// gate is a dispatcher that knows the token "good" of each role.
type gate struct {
	visits []Visit
	err    error
}

func (g *gate) Identify(_ context.Context, token string, visit Visit) (*Identity, error) {
	g.visits = append(g.visits, visit)
	role, known := strings.CutPrefix(token, "good-")
	if g.err != nil || !known {
		return nil, errors.Join(g.err, octaskly.ErrUnknown)
	}
	return &Identity{User: "ann", Role: octaskly.Role(role), Token: "t1"}, nil
}

func atGate(h *Handler, token, path string) int {
	return ask(h, token, "GET", path, "").Code
}

// At a worker's door the dispatcher is asked for every request anew, and told what
// the request takes.
func TestGate(t *testing.T) {
	g := &gate{}
	var log bytes.Buffer
	h := NewWorker(lone{}, g, Config{Version: "1", Log: slog.New(slog.NewTextHandler(&log, nil))})
	for _, row := range []struct {
		token, path string
		want        int
	}{
		{"", "/health", 200}, {"", "/metrics", 401}, {"bad", "/metrics", 401}, {"good-client", "/metrics", 403},
		{"good-dispatcher", "/metrics", 200}, {"good-dispatcher", "/metrics", 200}, {"good-client", "/api/v1/workers", 200},
		{"good-worker", "/api/v1/workers", 403}, {"good-worker", "/api/v1/version", 200}, {"good-client", "/api/v1/tasks", 421},
		{"", "/api/v1/tasks", 401}, {"", "/api/v1/version", 401},
	} {
		if got := atGate(h, row.token, row.path); got != row.want {
			t.Errorf("%s by %q: %d, want %d", row.path, row.token, got, row.want)
		}
	}
	if len(g.visits) != 8 || g.visits[0].Action != "metrics.read" || g.visits[0].Permission != auth.ReadMetrics {
		t.Errorf("the dispatcher was asked %+v", g.visits)
	}
	if n := strings.Count(log.String(), "Refused"); n != 6 || strings.Contains(log.String(), "good-") {
		t.Errorf("%d refusals in the log:\n%s", n, &log)
	}
	for range 100 {
		atGate(h, "bad", "/metrics")
	}
	if n := strings.Count(log.String(), "Refused"); n > complaintBurst {
		t.Errorf("a flood makes %d lines", n)
	}
}

// Where the dispatcher cannot be asked, nobody comes in and nobody is called unknown.
func TestGateThatIsShut(t *testing.T) {
	h := NewWorker(lone{}, shut{}, Config{Log: quiet})
	w := ask(h, "good-admin", "GET", "/metrics", "")
	check(t, w, http.StatusServiceUnavailable, "no session")
	if w.Header().Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
}

type shut struct{}

func (shut) Identify(context.Context, string, Visit) (*Identity, error) {
	return nil, fmt.Errorf("no session: %w", octaskly.ErrUnavailable)
}
