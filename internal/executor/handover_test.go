package executor

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/spool"
)

var handedOverFully = &Handover{
	Version: 1, Feature: octaskly.KillCgroup, Generation: "g", Serial: 7,
	Specs: []octaskly.Spec{{Argv: []string{"true"}}},
	Attempts: []handedOver{{
		ID: octaskly.AttemptID{Job: 42, Index: 7, Number: 2}, Serial: 6, Array: true, Item: "i", StdinPath: "/in", MaxOutput: 9,
		Running: &command{
			Slot: "slot-1", Workspace: "/w", PID: 100, PidFD: 11, Pipes: []handedPipe{{spool.Stdout, 12, 13}}, Marks: []string{"A=1"},
			Output: "output/x", StartedAt: time.Date(2026, 11, 24, 8, 45, 18, 0, time.UTC), Began: 5, Deadline: 6,
			Step: termed, Cause: timedOut, Wish: wishStop,
		},
	}},
}

var handedOverLeased = &Handover{
	Version: 2, Feature: octaskly.KillCgroup, Generation: "g", Serial: 7, Boxes: 3, Offered: []string{octaskly.AtMostOne},
	Renewed: 123456789, Lease: 30 * time.Second,
	Specs: []octaskly.Spec{{Argv: []string{"true"}, AtMostOne: true}},
	Attempts: []handedOver{{
		ID: octaskly.AttemptID{Job: 42, Index: 7, Number: 2}, Serial: 6,
		Running: &command{
			Slot: "slot-1", Workspace: "/w", PID: 100, PidFD: 11, Marks: []string{}, Project: 9, Lapsed: true,
			Step: termed, Cause: outOfTouch, Box: &handedBox{"box-1", 12},
		},
	}},
}

var handedOverSecret = &Handover{
	Version: 3, Feature: octaskly.KillCgroup, Generation: "g", Serial: 7,
	Specs:    []octaskly.Spec{{Argv: []string{"true"}}, {Argv: []string{"true"}, SecretNames: []string{"A"}}},
	Attempts: []handedOver{{ID: octaskly.AttemptID{Job: 42, Index: 7, Number: 2}, Serial: 6, Spec: 1}},
	Secrets:  [][]string{nil, {"A=1"}},
}

var handedOverGuarded = &Handover{Version: 4, Feature: octaskly.KillBestEffort, Serial: 7, Guard: &handedGuard{PID: 4711, FD: 9}}

// What an older program handed over must be understood by the next one. What it
// says more goes into a further golden file; those that are there never change.
func TestHandoverGolden(t *testing.T) {
	for name, h := range map[string]*Handover{"handover": handedOverFully, "handover-leased": handedOverLeased, "handover-secret": handedOverSecret, "handover-guarded": handedOverGuarded} {
		data, err := protocol.Marshal(h)
		check(t, err)
		golden, err := os.ReadFile("testdata/" + name + ".hex")
		check(t, err)
		if got := hex.EncodeToString(data); got != strings.TrimSpace(string(golden)) {
			t.Errorf("%s is now encoded as\n%s", name, got)
		}
		var back Handover
		check(t, protocol.Unmarshal(data, &back))
		if diff := cmp.Diff(h, &back); diff != "" {
			t.Errorf("%s is read as something else (-want +got):\n%s", name, diff)
		}
	}
}

func TestHandoverCheck(t *testing.T) {
	check(t, handedOverFully.Check())
	check(t, handedOverLeased.Check())
	check(t, handedOverGuarded.Check())
	check(t, handedOverSecret.Check())
	lacking := *handedOverSecret
	if lacking.Secrets = nil; lacking.Check() == nil {
		t.Error("a handover without the secrets that an attempt waits for is accepted")
	}
	for name, spoil := range map[string]func(*Handover){
		"version": func(h *Handover) { h.Version = 99 },
		"guard":   func(h *Handover) { h.Guard = &handedGuard{PID: 1, FD: 9} },
		"spec":    func(h *Handover) { h.Attempts[0].Spec = 1 },
		"pid":     func(h *Handover) { h.Attempts[0].Running.PID = 1 },
		"slot":    func(h *Handover) { h.Attempts[0].Running.Slot = "../x" },
	} {
		var h Handover
		data, err := protocol.Marshal(handedOverFully)
		check(t, err)
		check(t, protocol.Unmarshal(data, &h))
		spoil(&h)
		if h.Check() == nil {
			t.Errorf("a handover with a bad %s is accepted", name)
		}
	}
}

// TestHandOverFails wants everything to go on when the next program cannot be
// executed.
func TestHandOverFails(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		r, g := newRig(t, cfg), newGate(t)
		spec := shell("echo before; echo here > " + g.path + "; read x < " + g.door + "; echo after; exit 3")
		id := r.offer(spec)
		g.reached()
		refusal := errors.New("no such program")
		if err := r.HandOver(func(h *Handover, fds []int) error {
			if len(h.Attempts) != 1 || h.Attempts[0].Running == nil || len(fds) != 5 {
				t.Errorf("handed over are %+v and %v", h.Attempts, fds)
			}
			return refusal
		}); !errors.Is(err, refusal) {
			t.Errorf("error %v", err)
		}
		g.pass()
		f := r.end(id)
		wantEnd(t, f, octaskly.Failed, "exit:3")
		if out, _ := text(t, r.output(f)); out != "before\nafter\n" {
			t.Errorf("output %q", out)
		}
		wantEnd(t, r.run(shell("exit 4")), octaskly.Failed, "exit:4")
	})
}

// TestHandOver has an executor in a process of its own execute itself anew while
// commands run, wait and are being stopped, and wants nobody to notice.
func TestHandOver(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		t.Parallel() // both take their time, and neither is in this process
		g := newGate(t)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TEST_HANDOVER_DIR="+cfg.Dir, "TEST_GATE="+g.path, "TEST_DOOR="+g.door)
		if cfg.NoCgroup {
			cmd.Env = append(cmd.Env, "TEST_NO_CGROUP=1")
		}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		check(t, cmd.Start())
		for range 3 {
			if g.reached() == "resumed" {
				g.pass()
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
		want := `1 failed exit:3 stdout "before\nafter\n" stderr ""
2 timed_out timeout stdout "big: 200000" stderr ""
3 cancelled cancelled stdout "" stderr ""
4 completed  stdout "waited hunter2\n" stderr ""
5 failed exit:9 stdout "" stderr ""
6 cancelled lease stdout "" stderr ""
`
		if out.String() != want {
			t.Errorf("it says\n%swant\n%s", out.String(), want)
		}
	})
}

// liveAndHandOver is the process of TestHandOver, before and after it executes
// itself anew.
func liveAndHandOver(dir string) {
	generation := "g" + os.Getenv("TEST_NO_CGROUP") // keeps a guard off the other kind's commands
	cfg := Config{Slots: 4, Dir: dir, Worker: "w", Grace: 300 * time.Millisecond, Boxes: Boxes{AllowNone: true}, Guard: guardWords, NoCgroup: os.Getenv("TEST_NO_CGROUP") != "", Log: slog.New(slog.DiscardHandler)}
	if fd := os.Getenv("TEST_HANDOVER_FD"); fd != "" {
		cfg.Slots = 1
		surviveOn(cfg, fd)
	}
	x, err := New(cfg)
	must(err)
	go x.Run(context.Background())
	gate, door := os.Getenv("TEST_GATE"), os.Getenv("TEST_DOOR")
	offer := func(job octaskly.JobID, timeout time.Duration, script string) {
		spec := shell(script)
		spec.Timeout = timeout
		x.Offer([]*Attempt{{ID: octaskly.AttemptID{Job: job, Number: 1}, Generation: generation, Spec: &spec}})
	}
	offer(5, 0, "exit 9")
	for done := false; !done; {
		<-x.Wake()
		_, finished := x.Take()
		done = len(finished) > 0
	}
	x.Renew(Now(), time.Hour)
	stubborn := once("trap '' TERM; sleep 1000")
	x.Offer([]*Attempt{{ID: octaskly.AttemptID{Job: 6, Number: 1}, Generation: generation, Spec: &stubborn}})
	begun := func(n int) {
		for n > 0 {
			<-x.Wake()
			started, _ := x.Take()
			n -= len(started)
		}
	}
	begun(1) // which takes a guard
	offer(1, 0, "echo before; echo here > "+gate+"; read x < "+door+"; echo after; exit 3")
	offer(2, 5*time.Second, "head -c 200000 /dev/zero; echo big > "+gate+"; exec sleep 1000")
	offer(3, 0, "trap '' TERM; sleep 1000")
	waiting := shell("echo waited $SECRET")
	waiting.SecretNames = []string{"SECRET"}
	x.Offer([]*Attempt{{ID: octaskly.AttemptID{Job: 4, Number: 1}, Generation: generation, Spec: &waiting, Secrets: []string{"SECRET=" + untold}}})
	begun(3)
	x.Stop(octaskly.AttemptID{Job: 3, Number: 1}, false)
	x.Renew(Now(), 2*time.Second) // which end when the next program is there
	must(x.HandOver(func(h *Handover, fds []int) error {
		data, err := protocol.Marshal(h)
		must(err)
		memory, err := unix.MemfdCreate("handover", 0)
		must(err)
		_, err = unix.Write(memory, data)
		must(err)
		for _, fd := range fds {
			_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
			must(err)
		}
		return syscall.Exec(os.Args[0], os.Args, append(os.Environ(), "TEST_HANDOVER_FD="+strconv.Itoa(memory)))
	}))
}

func surviveOn(cfg Config, fd string) {
	n, err := strconv.Atoi(fd)
	must(err)
	memory := os.NewFile(uintptr(n), "handover")
	_, err = memory.Seek(0, io.SeekStart)
	must(err)
	data, err := io.ReadAll(memory)
	must(err)
	var h Handover
	must(protocol.Unmarshal(data, &h))
	x, err := Resume(cfg, &h)
	must(err)
	_, held := x.Held()
	if len(held) != 6 {
		fmt.Println("held are", held)
	}
	go x.Run(context.Background())
	must(os.WriteFile(os.Getenv("TEST_GATE"), []byte("resumed\n"), 0))
	ends := map[octaskly.JobID]protocol.Finished{}
	for len(ends) < 6 {
		for _, f := range x.Unacknowledged() {
			ends[f.ID.Job] = f
		}
		if len(ends) < 6 {
			<-x.Wake()
			x.Take()
		}
	}
	for job := octaskly.JobID(1); job <= 6; job++ {
		f := ends[job]
		log, _ := x.Output(f.ID)
		r := log.Reader(context.Background(), 0, false)
		var stdout, stderr bytes.Buffer
		_, err := spool.Copy(&stdout, &stderr, r)
		must(err)
		must(r.Close())
		shown := fmt.Sprintf("%q", stdout.String())
		if stdout.Len() > 1000 {
			shown = fmt.Sprintf(`"big: %d"`, stdout.Len())
		}
		fmt.Printf("%v %v %v stdout %s stderr %q\n", job, f.End.State, f.End.Reason, shown, stderr.String())
	}
	if traces := tracesOf(untold, cfg.Dir); len(traces) > 1 { // one is in the output
		fmt.Println("the secret is in", traces)
	}
	if left, _ := filepath.Glob(filepath.Join(cfg.Dir, "work/*/*")); len(left) > 0 {
		fmt.Println("left in workspaces:", left)
	}
	os.Exit(0)
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
