package box

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox/plan"
	"github.com/octaskly/octaskly/test/box/boxcase"
)

// status is what wait4(2) says.
func exited(code int) int          { return code << 8 }
func signaled(sig unix.Signal) int { return int(sig) }

func TestEnds(t *testing.T) {
	tests := []struct {
		name string
		boxcase.Case
		status   int
		stdout   string
		leftover bool
	}{
		{"success", shell(0, "true"), exited(0), "", false},
		{"exit code", shell(0, "exit 7"), exited(7), "", false},
		{"our own code", shell(0, "exit 125"), exited(125), "", false},
		{"highest code", shell(0, "exit 255"), exited(255), "", false},
		{"signal", shell(0, "kill -SEGV $$"), signaled(unix.SIGSEGV), "", false},
		{"killed", shell(0, "kill -KILL $$"), signaled(unix.SIGKILL), "", false},
		{"terminated by itself", shell(0, "kill $$"), signaled(unix.SIGTERM), "", false},
		{"outputs closed", shell(0, "exec 1>&- 2>&-; sleep 0.2; exit 7"), exited(7), "", false},
		{"input", shell(0, "cat; wc -c"), exited(0), "0\n", false},
		{"background", shell(0, "sleep 1000 & exit 3"), exited(3), "", true},
		{"daemon", shell(0, "setsid sh -c 'setsid sleep 1000 & sleep 1000' & sleep 0.2; exit 4"), exited(4), "", true},
		{"orphans are reaped", shell(0, "for i in 1 2 3 4 5; do (true & true & exec true) & done; wait; while grep -qs '^State:.Z' /proc/[0-9]*/status; do sleep 0.1; done; echo 0"), exited(0), "0\n", false},
		{"stopped", boxcase.Case{Argv: []string{"sh", "-c", "echo up; exec sleep 1000"}, Await: "up", Signals: []int{int(unix.SIGSTOP), int(unix.SIGCONT), int(unix.SIGTERM)}}, signaled(unix.SIGTERM), "up\n", false},
		{"signal is caught", boxcase.Case{Argv: []string{"sh", "-c", "trap 'echo caught; exit 9' TERM; echo up; while :; do sleep 0.1; done"}, Await: "up", Signals: []int{int(unix.SIGTERM)}}, exited(9), "up\ncaught\n", false},
		{"signal from outside", boxcase.Case{Argv: []string{"sh", "-c", "echo up; sleep 1; exit 9"}, Await: "up", Signals: []int{int(unix.SIGTERM)}, Outside: true}, exited(9), "up\n", false},
		{"signal for the group", boxcase.Case{Argv: []string{"sh", "-c", "trap '' INT; trap : USR1; (trap 'echo child; exit' USR1; echo up; while :; do sleep 0.1; done) & wait; wait; exit 6"}, Await: "up", Signals: []int{int(unix.SIGUSR1)}}, exited(6), "up\nchild\n", false},
		{"real-time signal", boxcase.Case{Argv: []string{"sh", "-c", "echo up; exec sleep 1000"}, Await: "up", Signals: []int{40}}, 40, "up\n", false},
	}
	var cases []boxcase.Case
	for _, tt := range tests {
		for _, level := range levels {
			c := tt.Case
			c.Level = level
			cases = append(cases, c)
		}
	}
	for i, r := range run(t, cases...) {
		tt, level := tests[i/len(levels)], cases[i].Level
		if r.Err != "" || r.Status != tt.status || r.Stdout != tt.stdout || r.Leftover != tt.leftover {
			t.Errorf("%s, %v: %+v", tt.name, level, r)
		}
		want := exited(unix.WaitStatus(tt.status).ExitStatus())
		if s := unix.WaitStatus(tt.status); s.Signaled() {
			want = exited(128 + int(s.Signal()))
		}
		if r.Exit != want {
			t.Errorf("%s, %v: octaskly-init exits %#x, want %#x", tt.name, level, r.Exit, want)
		}
	}
}

// Killing octaskly-init kills all of the box, and there is no end to hear of.
func TestKill(t *testing.T) {
	var cases []boxcase.Case
	for _, level := range levels {
		cases = append(cases, boxcase.Case{Level: level, Argv: []string{"sh", "-c", "setsid sleep 1000 & echo up; sleep 1000"}, Await: "up", Kill: true})
	}
	for i, r := range run(t, cases...) {
		if r.Err != "EOF" || r.Exit != int(unix.SIGKILL) {
			t.Errorf("%v: %+v", levels[i], r)
		}
	}
}

// When the executor dies, so does all of the box.
func TestAbandoned(t *testing.T) {
	var cases []boxcase.Case
	for _, level := range levels {
		cases = append(cases, boxcase.Case{Level: level, Argv: []string{"sh", "-c", "setsid sleep 1000 & echo up; sleep 1000"}, Await: "up", Abandon: true})
	}
	for i, r := range run(t, cases...) {
		if r.Err != "" || r.Exit != exited(125) {
			t.Errorf("%v: %+v", levels[i], r)
		}
	}
}

func TestUsage(t *testing.T) {
	const script = `$x = "x" x 50_000_000; 1 while (times)[0] < 0.3`
	var cases []boxcase.Case
	for _, level := range levels {
		cases = append(cases, boxcase.Case{Level: level, Argv: []string{"perl", "-e", script}})
	}
	for i, r := range run(t, cases...) {
		if r.CPU < 300_000 || r.CPU > 30_000_000 || r.MaxRSS < 50_000_000 || r.MaxRSS > 150_000_000 {
			t.Errorf("%v: %+v", levels[i], r)
		}
	}
}

// What cannot be started is told as data.
func TestStartFailures(t *testing.T) {
	tests := []struct {
		name string
		boxcase.Case
		step  plan.Step
		errno unix.Errno
	}{
		{"missing", boxcase.Case{Argv: []string{"no-such-program"}}, plan.StepCommand, unix.ENOENT},
		{"missing path", boxcase.Case{Argv: []string{"/usr/bin/no-such-program"}}, plan.StepCommand, unix.ENOENT},
		{"directory", boxcase.Case{Argv: []string{"/usr/bin"}}, plan.StepCommand, unix.EACCES},
		{"no program", boxcase.Case{Argv: []string{"/etc/ld.so.cache"}}, plan.StepCommand, unix.EACCES},
		{"no directory", boxcase.Case{Argv: []string{"true"}, Dir: "/no/such/directory"}, plan.StepDirectory, unix.ENOENT},
		{"too long", boxcase.Case{Argv: []string{"true", strings.Repeat("x", 128<<10)}}, plan.StepCommand, unix.E2BIG},
		{"no such variable", boxcase.Case{Argv: []string{"sh"}, Env: []string{"PATH=/nowhere"}}, plan.StepCommand, unix.ENOENT},
	}
	var cases []boxcase.Case
	for _, tt := range tests {
		for _, level := range levels {
			c := tt.Case
			c.Level = level
			cases = append(cases, c)
		}
	}
	for i, r := range run(t, cases...) {
		tt := tests[i/len(levels)]
		if r.Step != int(tt.step) || r.Errno != int(tt.errno) {
			t.Errorf("%s, %v: %+v", tt.name, cases[i].Level, r)
		}
	}
}

// A directory that only root may enter is none for a task, though root enters it
// on the task's behalf.
func TestDirectoryOfOthers(t *testing.T) {
	r := run(t, boxcase.Case{Level: octaskly.LevelBasic, Argv: []string{"true"}, Dir: "/var/lib/octaskly"})[0]
	if r.Step != int(plan.StepDirectory) || r.Errno != int(unix.EACCES) {
		t.Errorf("%+v", r)
	}
}

func TestLongCommand(t *testing.T) {
	argv := []string{"sh", "-c", `echo $# ${#1}`, "sh"}
	for range 9 {
		argv = append(argv, strings.Repeat("x", 100_000))
	}
	r := run(t, boxcase.Case{Level: octaskly.LevelStrict, Argv: argv})[0]
	if r.Err != "" || r.Stdout != "9 100000\n" {
		t.Errorf("%.1000v", r)
	}
}
