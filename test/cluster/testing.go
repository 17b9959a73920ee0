package cluster

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// startTimeout bounds how long Start waits for two daemons.
const startTimeout = 30 * time.Second

// Main is for the TestMain of a package whose tests use clusters.
func Main(m *testing.M) int {
	code := m.Run()
	if err := Clean(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Open makes a cluster in which nothing runs yet. When the test is over, it is
// closed; if that or the test has failed, the daemons' logs are shown.
func Open(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		logs := c.Logs()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(logs)
		}
	})
	return c
}

// Start is Open with a dispatcher and a worker w1 of four slots that run.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c := Open(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	for _, d := range []*Daemon{c.Dispatcher, c.Worker("w1")} {
		if err := d.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
