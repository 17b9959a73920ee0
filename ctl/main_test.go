package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){
		// At once: under the race detector, os.Exit sleeps.
		"octasklyctl": func() { syscall.Exit(run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// leakChecked does what goleak.VerifyTestMain does for those who do not need
// their own exit code.
type leakChecked struct{ *testing.M }

func (t leakChecked) Run() int {
	code := t.M.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Shell sessions that need no dispatcher.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("OCTASKLY_SOCKET", env.Getenv("WORK")+"/no.sock")
			return nil
		},
	})
}
