package test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/metrics"
	"github.com/octaskly/octaskly/test/cluster"
)

// scrape is a page of metrics as Prometheus reads it.
type scrape map[string]*dto.MetricFamily

// scraped reads an answer, which Prometheus's linter has to like.
func scraped(t *testing.T, a answer) scrape {
	t.Helper()
	if a.status != 200 || a.header.Get("Content-Type") != metrics.ContentType {
		t.Fatalf("metrics: %+v", a)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(a.text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, a.text)
	}
	problems, err := promlint.New(strings.NewReader(a.text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	return families
}

// value is that of one sample, -1 if there is none: "name" or "name label=value …".
func (s scrape) value(what string) float64 {
	words := strings.Fields(what)
	family := s[words[0]]
	for _, m := range family.GetMetric() {
		var labels []string
		for _, l := range m.Label {
			labels = append(labels, l.GetName()+"="+l.GetValue())
		}
		slices.Sort(labels)
		if slices.Equal(labels, slices.Sorted(slices.Values(words[1:]))) {
			switch {
			case m.Histogram != nil:
				return float64(m.Histogram.GetSampleCount())
			case m.Counter != nil:
				return m.Counter.GetValue()
			}
			return m.Gauge.GetValue()
		}
	}
	return -1
}

func metricsOf(t *testing.T, d *cluster.Daemon) scrape {
	t.Helper()
	return scraped(t, ask(t, throughSocket(d.Socket()), "http://octaskly/metrics", "GET", ""))
}

func statsOf(t *testing.T, c *cluster.Cluster) (stats api.Stats) {
	t.Helper()
	check(t, json.Unmarshal([]byte(must(t, c, "stats", "-o", "json")), &stats))
	return stats
}

// What Prometheus reads of a run is what octasklyctl says of it.
func TestMetrics(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	w := c.Worker("w1")
	start(t, w)
	must(t, c, "run", "--", "sh", "-c", "echo hello; head -c 200000 /dev/zero")
	for code, args := range map[int][]string{
		3: {"--", "sh", "-c", "exit 3"}, 143: {"--", "sh", "-c", "kill $$"}, 124: {"--timeout", "100ms", "--", "sleep", "60"}, 127: {"--", "/no/such/program"},
	} {
		if r := c.Ctl(timeout(t), append([]string{"run"}, args...)...); r.Code != code {
			t.Errorf("%v: %+v", args, r)
		}
	}
	must(t, c, "submit", "--wait", "--array", "0-9", "--", "true")
	waits := submit(t, c, "--cpus", "60000", "--array", "1-3", "--", "true")
	gone := submit(t, c, "--cpus", "60000", "--array", "1-7", "--", "true")
	must(t, c, "cancel", gone)
	runs := submit(t, c, "--", "sleep", "60")
	awaitRunning(t, c, runs)

	of, stats := metricsOf(t, c.Dispatcher), statsOf(t, c)
	for state, n := range stats.Tasks {
		of.expect(t, "octaskly_tasks state="+state, float64(n))
	}
	for what, n := range map[string]int64{
		"octaskly_jobs_live": stats.Jobs, "octaskly_slots": int64(stats.Slots), "octaskly_slots_busy": int64(stats.Busy),
		"octaskly_workers state=connected": int64(stats.Workers), "octaskly_output_size_bytes": stats.Output,
		"octaskly_sessions": 1, "octaskly_jobs_submitted_total": 9, "octaskly_tasks state=queued": 3,
		"octaskly_tasks_ended_total reason=none state=completed": 11, "octaskly_tasks_ended_total reason=exit state=failed": 1,
		"octaskly_tasks_ended_total reason=signal state=failed": 1, "octaskly_tasks_ended_total reason=spawn state=failed": 1,
		"octaskly_tasks_ended_total reason=timeout state=timed_out": 1, "octaskly_tasks_ended_total reason=cancelled state=cancelled": 7,
		"octaskly_tasks_ended_total reason=oom state=failed": 0, "octaskly_task_run_seconds": 14, "octaskly_workers_lost_total": 0,
		"octaskly_task_wait_seconds": 15, "octaskly_http_requests_total code=5xx door=unix": 0,
	} {
		of.expect(t, what, float64(n))
	}
	for _, what := range []string{
		"octaskly_store_commit_seconds", "octaskly_store_commit_rows", "octaskly_database_size_bytes", "process_resident_memory_bytes",
		"octaskly_session_received_bytes_total channel=control", "octaskly_session_sent_bytes_total channel=control",
		"octaskly_http_requests_total code=2xx door=unix",
	} {
		if of.value(what) <= 0 {
			t.Errorf("%s is %v", what, of.value(what))
		}
	}
	if n := of.value("octaskly_session_received_bytes_total channel=bulk"); n < 200_000 {
		t.Errorf("%v bytes have come as long output", n)
	}
	bounded(t, of)
	must(t, c, "cancel", waits, runs)
	workersMetrics(t, w)
}

func (s scrape) expect(t *testing.T, what string, want float64) {
	t.Helper()
	if got := s.value(what); got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// workersMetrics are those after a run of 15 commands, of which one could not start.
func workersMetrics(t *testing.T, w *cluster.Daemon) {
	t.Helper()
	awaitSuccess(t, func() bool { return metricsOf(t, w).value("octaskly_worker_attempts_ended_total") == 16 })
	of := metricsOf(t, w)
	for what, n := range map[string]float64{
		"octaskly_worker_session_up": 1, "octaskly_worker_slots": 4, "octaskly_worker_commands_running": 0,
		"octaskly_worker_attempts_offered_total": 16, "octaskly_worker_commands_started_total": 15,
		"octaskly_worker_sessions_started_total": 1, "octaskly_worker_session_failures_total": 0,
	} {
		of.expect(t, what, n)
	}
	if n := of.value("octaskly_worker_output_sent_bytes_total"); n < 200_000 {
		t.Errorf("%v bytes of output were sent", n)
	}
	if len(of["octaskly_worker_selftest_held"].GetMetric()) == 0 {
		t.Error("nothing of the self-test is told")
	}
	bounded(t, of)
}

// bounded expects labels that cannot become many.
func bounded(t *testing.T, of scrape) {
	t.Helper()
	known := []string{"state", "reason", "channel", "door", "code", "kind", "version", "go_version", "role", "subject", "check"}
	n := 0
	for name, family := range of {
		for _, m := range family.Metric {
			n++
			for _, l := range m.Label {
				if !slices.Contains(known, l.GetName()) {
					t.Errorf("%s has a label %s", name, l.GetName())
				}
			}
		}
	}
	if n > 200 {
		t.Errorf("a page has %d samples", n)
	}
}

// Metrics take a permission of their own, at every door.
func TestWhoMayReadMetrics(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	for role, want := range map[string]int{"client": 403, "worker": 403, "dispatcher": 200, "admin": 200} {
		must(t, c, "user", "add", "--role", role, "the-"+role)
		p := &person{c, "the-" + role, newToken(t, c, "--user", "the-"+role), browser(t, c)}
		if a := p.do(t, "GET", "/metrics", ""); a.status != want {
			t.Errorf("%s: %+v", role, a)
		}
	}
	if a := ask(t, browser(t, c), c.REST()+"/metrics", "GET", ""); a.status != http.StatusUnauthorized {
		t.Errorf("nobody: %+v", a)
	}
	of := metricsOf(t, c.Dispatcher)
	of.expect(t, "octaskly_http_refusals_total kind=denied", 2)
	of.expect(t, "octaskly_http_refusals_total kind=unauthorized", 1)
	of.expect(t, "octaskly_http_requests_total code=4xx door=https", 3)
	if n := len(of["octaskly_build_info"].GetMetric()); n != 1 {
		t.Errorf("%d lines tell of the build", n)
	}
}
