package test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/octaskly/octaskly/test/cluster"
)

// Shell sessions against real daemons: each story has a dispatcher of its own
// and two workers, w1 and w2, of two slots each. Their grace is long enough for a
// busy machine.
func TestStories(t *testing.T) {
	programs, err := cluster.Build()
	check(t, err)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/stories",
		Setup: func(env *testscript.Env) error {
			c, err := cluster.New(cluster.Options{DispatcherFlags: dispatcherFlags(env), WorkerFlags: []string{"--slots", "2", "--grace", "5s"}})
			if err != nil {
				return err
			}
			env.Values[clusterKey{}] = c
			env.Defer(func() {
				if err := c.Close(); err != nil {
					env.T().Log(err)
				}
			})
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			for _, d := range []*cluster.Daemon{c.Dispatcher, c.Worker("w1"), c.Worker("w2")} {
				if err := d.Start(ctx); err != nil {
					return err
				}
			}
			env.Setenv("OCTASKLY_SOCKET", c.Socket())
			env.Setenv("REST", c.REST()) // empty unless the story's dispatcher.toml has http_listen
			env.Setenv("FINGERPRINT", c.Fingerprint())
			env.Setenv("PATH", filepath.Dir(programs.Ctl)+":"+os.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"daemon": daemonCommand},
	})
}

type clusterKey struct{}

// dispatcherFlags have a story's dispatcher configured by a file dispatcher.toml
// of its, if there is one.
func dispatcherFlags(env *testscript.Env) []string {
	file := filepath.Join(env.WorkDir, "dispatcher.toml")
	if _, err := os.Stat(file); err != nil {
		return nil
	}
	return []string{"--config", file}
}

// daemonCommand is "daemon start|stop|kill NAME…" in a story: start returns when
// the daemon is ready, stop (TERM) and kill (KILL) when it has ended.
func daemonCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: daemon start|stop|kill NAME…")
	}
	c := ts.Value(clusterKey{}).(*cluster.Cluster)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, name := range args[1:] {
		d := c.Dispatcher
		for _, w := range c.Workers {
			if w.Name == name {
				d = w
			}
		}
		act, known := map[string]func() error{
			"start": func() error { return d.Start(ctx) }, "stop": d.Stop, "kill": d.Kill,
		}[args[0]]
		if !known || d.Name != name {
			ts.Fatalf("there is no daemon %s %s", args[0], name)
		}
		ts.Check(act())
	}
}
