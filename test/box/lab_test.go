package box

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/box/boxcase"
	"github.com/octaskly/octaskly/test/vm"
)

const (
	program = "/usr/libexec/octaskly/octaskly-init"
	driver  = "/root/driver"
	uid     = 0x6F000000
	// patience bounds one list of cases, each of which takes half a second there.
	patience = 5 * time.Minute
)

var levels = octaskly.Levels[1:]

// machine is one for all tests.
var machine *vm.Machine

func TestMain(m *testing.M) {
	code := m.Run()
	if machine != nil {
		if err := machine.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// started is set up once: what every machine has that boxes are not to see.
var started = sync.OnceValue(func() error {
	dir, err := os.MkdirTemp("", "octaskly-box-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", dir+"/", "./daemon/init", "./test/box/driver")
	build.Dir = "../.."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build: %w\n%s", err, said)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience) // there may be no image yet
	defer cancel()
	if machine, err = vm.Start(ctx, vm.Options{Name: "boxes"}); err != nil {
		return err
	}
	for _, r := range []vm.Result{
		machine.Put(ctx, filepath.Join(dir, "init"), program, 0o755),
		machine.Put(ctx, filepath.Join(dir, "driver"), driver, 0o755),
		machine.Shell(ctx, `
			touch /dev/shm/of-the-machine /tmp/of-the-machine
			mkdir -p /var/lib/octaskly && echo secret >/var/lib/octaskly/octaskly.db && chmod 0700 /var/lib/octaskly
			mkdir -p /run/octaskly && chmod 0755 /run/octaskly`),
	} {
		if r.Code != 0 {
			return fmt.Errorf("cannot set up the machine: %v", r)
		}
	}
	return nil
})

// run runs cases one after the other. Whatever they were, nothing may be left.
func run(t *testing.T, cases ...boxcase.Case) []boxcase.Result {
	t.Helper()
	vm.Enabled(t)
	if err := started(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stdin, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	c := machine.Command(ctx, driver)
	c.Stdin = bytes.NewReader(stdin)
	var results []boxcase.Result
	if err := json.Unmarshal([]byte(vm.Must(t, c.Run())), &results); err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if len(r.Left) > 0 {
			t.Errorf("%v %.200q leaves %q", cases[i].Level, cases[i].Argv, r.Left)
		}
	}
	return results
}

// sh runs a script at every level, and returns what each prints.
func sh(t *testing.T, script string) (printed [3]string) {
	t.Helper()
	var cases []boxcase.Case
	for _, level := range levels {
		cases = append(cases, shell(level, script))
	}
	for i, r := range run(t, cases...) {
		if r.Err != "" || r.Status != 0 {
			t.Errorf("%v: %.200q: %+v", levels[i], script, r)
		}
		printed[i] = strings.TrimSpace(r.Stdout)
	}
	return printed
}

func shell(level octaskly.Level, script string) boxcase.Case {
	return boxcase.Case{Level: level, Argv: []string{"sh", "-c", script}}
}

// outcome is how a case has ended, in a few words: what it printed and how it
// exited, unless by 0.
func outcome(r boxcase.Result) string {
	status := unix.WaitStatus(r.Status)
	words := strings.Fields(r.Stdout)
	switch {
	case r.Err != "":
		words = append(words, unix.ErrnoName(unix.Errno(r.Errno)))
	case status.Signaled():
		words = append(words, unix.SignalName(status.Signal()))
	case status.ExitStatus() != 0:
		words = append(words, fmt.Sprintf("exit:%d", status.ExitStatus()))
	}
	return strings.Join(words, " ")
}
