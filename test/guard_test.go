package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// fourSeconds of lease have a guard kill three and a quarter seconds after it was
// last renewed, if the executor has not done it before.
var fourSeconds = cluster.Options{DispatcherFlags: []string{"--limits-lease", "4s"}}

// guardOf returns the process id of a daemon's guard, which is there when it runs
// something with --at-most-one.
func guardOf(t *testing.T, d *cluster.Daemon) (pid int) {
	t.Helper()
	awaitSuccess(t, func() bool {
		pid = childGuard(d.PID())
		return pid != 0
	})
	return pid
}

func childGuard(parent int) int {
	lists, _ := filepath.Glob("/proc/" + strconv.Itoa(parent) + "/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may be gone
		for word := range strings.FieldsSeq(string(text)) {
			line, err := os.ReadFile("/proc/" + word + "/cmdline")
			if err == nil && bytes.Equal(line, []byte("octasklyd\x00guard\x00")) {
				pid, _ := strconv.Atoi(word)
				return pid
			}
		}
	}
	return 0
}

// gone waits for the end of a process.
func gone(t *testing.T, pid int) {
	t.Helper()
	awaitSuccess(t, func() bool { return unix.Kill(pid, 0) == unix.ESRCH || isZombie(pid) })
}

// isZombie: who has lost its parent is buried by process 1, which need not hurry.
func isZombie(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && bytes.Contains(text, []byte(") Z "))
}

// However a worker dies that runs commands itself, what may run only once is dead
// before it runs elsewhere.
func TestGuard(t *testing.T) {
	for name, fell := range map[string]func(t *testing.T, w *cluster.Daemon) (guard int){
		"worker killed": func(t *testing.T, w *cluster.Daemon) int {
			guard := guardOf(t, w)
			check(t, w.Kill())
			return guard
		},
		"worker stopped": func(t *testing.T, w *cluster.Daemon) int {
			guard := guardOf(t, w)
			check(t, w.Signal(stopSignal))
			return guard
		},
		"guard killed, then the worker": func(t *testing.T, w *cluster.Daemon) int {
			first := guardOf(t, w)
			check(t, unix.Kill(first, unix.SIGKILL))
			gone(t, first)
			second := guardOf(t, w)
			for second == first {
				second = guardOf(t, w)
			}
			awaitTold(t, w)
			check(t, w.Kill())
			return second
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster.Start(t, fourSeconds)
			call := reserve(t, c)
			l := newLedger(t)
			id := submit(t, c, append([]string{"--at-most-one"}, l.command()...)...)
			l.await(t, 1)
			guard := fell(t, c.Workers[0])
			n := l.now(t)
			call()
			l.awaitAfter(t, n)
			if c.Workers[0].PID() != 0 { // a stopped one
				check(t, c.Workers[0].Signal(contSignal))
			} else {
				gone(t, guard)
			}
			l.finish(t)
			expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
			d := show(t, c, id)
			l.audit(t, len(d.Attempts))
			if a := d.Attempts[n-1]; a.Reason != octaskly.ReasonWorkerLost {
				t.Errorf("attempt %d is %+v", n, a)
			}
			if pids := alive(t, l.path); len(pids) > 0 {
				t.Errorf("processes %v are still there", pids)
			}
			check(t, c.Workers[1].Stop())
			check(t, c.Workers[0].Stop())
			gone(t, guard)
		})
	}
}

// awaitTold waits until a new guard has been told: the worker, which tells it, has
// said that there is another one. That takes a moment, in which there is none.
func awaitTold(t *testing.T, w *cluster.Daemon) {
	t.Helper()
	awaitSuccess(t, func() bool { return strings.Contains(w.Logs(), "The guard is back") })
}

// Nobody starts a guard by hand.
func TestGuardByHand(t *testing.T) {
	programs, err := cluster.Build()
	check(t, err)
	for _, args := range [][]string{{"guard"}, {"guard", "x"}} {
		out, err := exec.CommandContext(timeout(t), programs.Daemon, args...).CombinedOutput()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 || !bytes.Contains(out, []byte("octasklyd: error: ")) {
			t.Errorf("octasklyd %q: %v\n%s", args, err, out)
		}
	}
	out, err := exec.CommandContext(timeout(t), programs.Daemon, "--help").CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("guard")) {
		t.Errorf("octasklyd --help: %v\n%s", err, out)
	}
}

// An executor that executes itself anew keeps its guard.
func TestGuardUnderHangup(t *testing.T) {
	c, _, _ := apartBehindProxy(t)
	executor := c.Workers[1] // w1-x
	call := reserve(t, c)
	l := newLedger(t)
	id := submit(t, c, append([]string{"--at-most-one"}, l.command()...)...)
	l.await(t, 1)
	guard := guardOf(t, executor)
	check(t, executor.Reload(timeout(t)))
	awaitRunning(t, c, id)
	if now := guardOf(t, executor); now != guard {
		t.Errorf("the guard is process %d and was %d", now, guard)
	}
	n := l.now(t)
	check(t, executor.Kill())
	call()
	l.awaitAfter(t, n)
	gone(t, guard)
	l.finish(t)
	expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
	l.audit(t, len(show(t, c, id).Attempts))
}
