package test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }

// patience bounds each test that waits for daemons.
const patience = time.Minute

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// must runs octasklyctl, which has to succeed, and returns what it prints.
func must(t *testing.T, c *cluster.Cluster, args ...string) string {
	t.Helper()
	r := c.Ctl(timeout(t), args...)
	if r.Code != 0 {
		t.Fatalf("octasklyctl %s: exit code %d\n%s%s", strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// submit returns the id of a new job.
func submit(t *testing.T, c *cluster.Cluster, args ...string) string {
	t.Helper()
	return strings.TrimSpace(must(t, c, append([]string{"submit"}, args...)...))
}

// show returns all that is known of a task.
func show(t *testing.T, c *cluster.Cluster, id string) (d api.Detail) {
	t.Helper()
	text := must(t, c, "show", "-o", "json", id)
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("show %s: %v\n%s", id, err, text)
	}
	return d
}

// awaitRunning returns when the dispatcher has heard that the tasks run.
func awaitRunning(t *testing.T, c *cluster.Cluster, ids ...string) {
	t.Helper()
	awaitSuccess(t, func() bool {
		return !slices.ContainsFunc(ids, func(id string) bool { return show(t, c, id).State != octaskly.Running })
	})
}

// expect compares how octasklyctl ended.
func expect(t *testing.T, r cluster.Result, code int, stdout, stderr string) {
	t.Helper()
	if r.Code != code || r.Stdout != stdout || !strings.Contains(r.Stderr, stderr) {
		t.Errorf("exit code %d, stdout %q, stderr %q\nwant %d, %q, …%q…", r.Code, r.Stdout, r.Stderr, code, stdout, stderr)
	}
}

// start waits for a daemon to be ready.
func start(t *testing.T, d *cluster.Daemon) {
	t.Helper()
	if err := d.Start(timeout(t)); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
