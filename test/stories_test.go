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
			c, err := cluster.New(cluster.Options{WorkerFlags: []string{"--slots", "2", "--grace", "5s"}})
			if err != nil {
				return err
			}
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
			env.Setenv("PATH", filepath.Dir(programs.Ctl)+":"+os.Getenv("PATH"))
			return nil
		},
	})
}
