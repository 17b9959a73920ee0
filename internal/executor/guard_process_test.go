package executor

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/procfs"
)

// guardWords make a guard of this test program.
var guardWords = []string{"octaskly-test", "guard"}

// guardedLease is renewed by liveGuarded. Each renewal is a quarter of it late, which
// its test does not have to wait for then.
const guardedLease = 8 * time.Second

// liveGuarded is an executor in a process of its own, which its test kills or
// stops while it runs what may run only once, and what may not.
func liveGuarded(dir string) {
	cfg := Config{Slots: 2, Dir: dir, Worker: "guarded", Boxes: Boxes{AllowNone: true}, NoCgroup: os.Getenv("TEST_NO_CGROUP") != "", Guard: guardWords, Log: slog.New(slog.DiscardHandler)}
	x, err := New(cfg)
	must(err)
	renew := func() { x.Renew(Now().Add(-guardedLease/4), guardedLease) }
	renew()
	go x.Run(context.Background())
	path := os.Getenv("TEST_GATE")
	for job, spec := range []octaskly.Spec{once(stubborn(path)), shell(stubborn(path))} {
		x.Offer([]*Attempt{{ID: octaskly.AttemptID{Job: octaskly.JobID(job + 1), Number: 1}, Generation: "g", Spec: &spec}})
	}
	for begun := Now(); Now() < begun.Add(time.Hour); <-time.After(guardedLease / 80) {
		renew()
	}
}

// stubborn prints who there is: a command and a child of it that share a session,
// both deaf to TERM.
func stubborn(path string) string {
	return "trap '' TERM HUP; sleep 1000 & echo $OCTASKLY_TASK_ID $$ $! > " + path + "; while :; do sleep 1000; done"
}

// guardedProcess starts liveGuarded, and returns also who runs, by their tasks.
func guardedProcess(t *testing.T, cfg Config) (cmd *exec.Cmd, running map[string][]string) {
	t.Helper()
	g := newGate(t)
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_GUARDED_DIR="+cfg.Dir, "TEST_GATE="+g.path)
	if cfg.NoCgroup {
		cmd.Env = append(cmd.Env, "TEST_NO_CGROUP=1")
	}
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		x, err := New(cfg) // which sweeps
		check(t, err)
		check(t, x.close())
	})
	running = map[string][]string{}
	for range 2 {
		words := strings.Fields(g.reached())
		running[words[0]] = words[1:]
	}
	return cmd, running
}

// guardOf finds the guard among the children of a process.
func guardOf(t *testing.T, pid int) (guard int) {
	t.Helper()
	awaitThat(t, func() bool {
		for child := range procfs.All() {
			line, err := os.ReadFile("/proc/" + strconv.Itoa(child) + "/cmdline")
			if p, _ := procfs.Read(child); err == nil && p.Parent == pid && string(line) == strings.Join(guardWords, "\x00")+"\x00" {
				guard = child
			}
		}
		return guard != 0
	})
	return guard
}

func awaitThat(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come to pass")
		}
	}
}

func stopped(t *testing.T, pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	check(t, err)
	return strings.Contains(string(stat), ") T ")
}

func allDead(t *testing.T, pids []string) bool {
	for _, pid := range pids {
		if alive(t, pid) {
			return false
		}
	}
	return true
}

// An executor that is killed, or stopped, does not keep its lease. Its guard does, for
// what may run only once and for nothing else.
func TestGuardedProcess(t *testing.T) {
	for name, sig := range map[string]unix.Signal{"killed": unix.SIGKILL, "stopped": unix.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, cfg Config) {
				cmd, running := guardedProcess(t, cfg)
				guard := guardOf(t, cmd.Process.Pid)
				check(t, cmd.Process.Signal(sig))
				begun := Now() // there is no renewal any more
				awaitThat(t, func() bool { return allDead(t, running["1"]) })
				if late := time.Duration(Now() - begun); late > guardedLease-guardedLease/4 {
					t.Errorf("they live on for %v", late)
				}
				if allDead(t, running["2"]) {
					t.Error("a task is dead that may live")
				}
				check(t, cmd.Process.Kill())
				awaitThat(t, func() bool { return !alive(t, strconv.Itoa(guard)) })
			})
		})
	}
}

// A guard that dies, or hangs, is followed by another one, which knows all.
func TestGuardDies(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		r, g := newRig(t, cfg), newGate(t)
		r.Renew(Now(), time.Hour)
		id := r.offer(once("echo $$ > " + g.path + "; sleep 1000; exit 3"))
		pid := g.reached()
		process := r.guard.process
		first := process.pid()
		check(t, unix.Kill(first, unix.SIGKILL))
		awaitThat(t, func() bool { p := process.pid(); return p != 0 && p != first })
		if !alive(t, pid) {
			t.Error("the command is dead")
		}
		process.renew(1) // as if this process had slept
		f := r.end(id)
		wantEnd(t, f, octaskly.Failed, "signal:9")
		wantEnd(t, r.run(shell("exit 4")), octaskly.Failed, "exit:4") // in a group that was frozen
	})
}

// A guard that is stopped does not answer, and is replaced.
func TestGuardHangs(t *testing.T) {
	r, g := newRig(t, config(t)), newGate(t)
	r.Renew(Now(), time.Hour)
	id := r.offer(once("echo > " + g.path + "; read x < " + g.door + "; exit 3"))
	g.reached()
	first := r.guard.process.pid()
	check(t, unix.Kill(first, unix.SIGSTOP))
	awaitThat(t, func() bool { return stopped(t, first) }) // till then one of its threads may still answer
	r.Renew(Now(), time.Hour)
	awaitThat(t, func() bool { return !alive(t, strconv.Itoa(first)) })
	g.pass()
	wantEnd(t, r.end(id), octaskly.Failed, "exit:3")
	r.stop()
	if pid := r.guard.process.pid(); pid != 0 {
		t.Errorf("there is a guard, process %d", pid)
	}
}

func (g *guardProcess) pid() int {
	pids := map[int]bool{}
	g.addPID(pids)
	for pid := range pids {
		return pid
	}
	return 0
}

// Without a guard there is no promise.
func TestNoGuard(t *testing.T) {
	cfg := config(t)
	cfg.Guard = nil
	r := newRig(t, cfg)
	r.Renew(Now(), time.Hour)
	for _, c := range r.Checks() {
		if c.Subject == octaskly.AtMostOne && (c.Held || c.Why == "") {
			t.Errorf("the self-test says %+v", c)
		}
	}
	f := r.run(once("exit 0"))
	wantEnd(t, f, octaskly.Failed, octaskly.ReasonLacks(octaskly.AtMostOne))
	wantEnd(t, r.run(shell("exit 3")), octaskly.Failed, "exit:3")
}
