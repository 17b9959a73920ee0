package resources

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// What is here takes controllers. It eats memory and breeds processes within
// limits that are to be proven, so that it is for virtual machines.

const (
	mib = 1 << 20
	// The kernel lets who is about to die have some pages more than a limit.
	mostOf32 = 32*mib + mib/4
)

var kept [][]byte // by obey

// obey is a command that does what it is told: "eat=N" takes N bytes more, "wait"
// waits for a line on standard input.
func obey(steps string) {
	for step := range strings.FieldsSeq(steps) {
		if step == "wait" {
			var b [1]byte
			_, _ = os.Stdout.WriteString("waiting\n")
			if _, err := io.ReadFull(os.Stdin, b[:]); err != nil {
				os.Exit(3)
			}
			continue
		}
		n, err := strconv.Atoi(strings.TrimPrefix(step, "eat="))
		if err != nil {
			os.Exit(4)
		}
		bite := make([]byte, n)
		for i := 0; i < n; i += os.Getpagesize() {
			bite[i] = 1
		}
		kept = append(kept, bite)
	}
	os.Exit(0)
}

// helper starts such a command, waits until it waits, and returns what makes it
// go on.
func (b *bench) helper(steps string) (goOn func()) {
	b.t.Helper()
	in, out := pipe(b.t), pipe(b.t)
	attr := syscall.ProcAttr{
		Env:   []string{"TEST_STEPS=" + steps, "GOMAXPROCS=1"},
		Files: []uintptr{in[0].Fd(), out[1].Fd(), 2},
		Sys:   &syscall.SysProcAttr{PidFD: &b.pidfd},
	}
	check(b.t, b.Start(os.Args[0], []string{"helper"}, &attr, nil))
	if _, err := io.ReadFull(out[0], make([]byte, len("waiting\n"))); err != nil {
		b.t.Fatalf("the helper does not wait: %v", err)
	}
	return func() {
		_, err := in[1].Write([]byte("\n"))
		check(b.t, err)
	}
}

func pipe(t testing.TB) (ends [2]*os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	check(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	return [2]*os.File{r, w}
}

// TestControlledMemory wants nobody of the group to survive, and the one after it
// to be unharmed.
func TestControlledMemory(t *testing.T) {
	b := newBench(t, openControlled(t, t.TempDir()), "slot")
	check(t, b.Limit(octaskly.Limits{Memory: 32 * mib}))
	output := b.start("sleep 1000 & echo $!; head -c 256M /dev/zero | tail -c 256M >/dev/null; echo survived")
	b.await()
	if reason := b.Struck(); reason != octaskly.ReasonOOM {
		t.Errorf("struck by %q, want oom", reason)
	}
	u, _, status := b.settled()
	if status.Signal() != unix.SIGKILL {
		t.Errorf("it ended with %v, want to be killed", status)
	}
	if u.MemoryPeak < 30*mib || u.MemoryPeak > mostOf32 {
		t.Errorf("its peak is %d bytes, want almost 32 MiB", u.MemoryPeak)
	}
	if pid := pids(t, output, 1)[0]; alive(pid) {
		t.Errorf("process %d of the group is alive", pid)
	}
	b.start("head -c 48M /dev/zero | tail -c 48M >/dev/null")
	u, _, status = b.measured()
	if reason := b.Struck(); status != 0 || reason != "" || u.MemoryPeak < 48*mib {
		t.Errorf("then, without a limit: status %v, struck by %q, peak %d", status, reason, u.MemoryPeak)
	}
	b.start("true")
	if u, _, _ := b.measured(); u.MemoryPeak > 8*mib {
		t.Errorf("then true has a peak of %d bytes", u.MemoryPeak)
	}
}

func TestControlledProcesses(t *testing.T) {
	b := newBench(t, openControlled(t, t.TempDir()), "slot")
	check(t, b.Limit(octaskly.Limits{Processes: 8}))
	output := b.start("exec 2>&1; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; echo survived")
	b.await()
	if reason := b.Struck(); reason != octaskly.ReasonProcesses {
		t.Errorf("struck by %q, want processes", reason)
	}
	u, _, status := b.settled()
	if text, _ := os.ReadFile(output); !strings.Contains(string(text), "fork") || status.ExitStatus() == 0 {
		t.Errorf("it ended with %v and said %q, want that it cannot fork", status, text)
	}
	if u.ProcessesPeak != 8 {
		t.Errorf("its peak is %d processes, want 8", u.ProcessesPeak)
	}
	check(t, b.Limit(octaskly.Limits{Processes: 8}))
	b.start("for i in 1 2 3 4 5 6; do sleep 0 & done; wait")
	if _, _, status := b.measured(); status != 0 || b.Struck() != "" {
		t.Errorf("then, within its limit: status %v, struck by %q", status, b.Struck())
	}
}

// TestControlledHelper wants what is in use to count for nothing.
func TestControlledHelper(t *testing.T) {
	for _, tt := range []struct {
		name, steps string
		reason      octaskly.Reason
	}{
		{"within", "eat=16777216 wait eat=25165824", ""},
		{"beyond", "eat=16777216 wait eat=37748736", octaskly.ReasonOOM},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			b := newBench(t, openControlled(t, dir), "box")
			goOn := b.helper(tt.steps)
			check(t, b.Limit(octaskly.Limits{Memory: 32 * mib, Processes: 10}))
			before, err := b.Usage()
			check(t, err)
			adopted := adopt(t, dir, b)
			goOn()
			b.await()
			reason := b.Struck()
			u, err := b.Usage()
			check(t, err)
			again, err := adopted.Usage()
			check(t, err)
			if reason != tt.reason || adopted.Struck() != tt.reason {
				t.Errorf("struck by %q, adopted by %q, want %q", reason, adopted.Struck(), tt.reason)
			}
			if before.Memory > mib || before.MemoryPeak > mib || before.Processes != 0 || before.CPUTime > 100*time.Millisecond {
				t.Errorf("before it goes on: %+v", before)
			}
			if u.MemoryPeak < 20*mib || u.MemoryPeak > mostOf32 {
				t.Errorf("its peak is %d bytes, want 24 MiB or the limit", u.MemoryPeak)
			}
			if u.MemoryPeak != again.MemoryPeak || u.CPUTime != again.CPUTime {
				t.Errorf("it uses %+v, adopted %+v", u, again)
			}
			_, _, _ = b.settled()
		})
	}
}

// adopt is what a later program does.
func adopt(t *testing.T, dir string, b *bench) Group {
	t.Helper()
	later, err := resumeCgroups(dir)
	check(t, err)
	g, err := later.Adopt("box", b.PID(), nil)
	check(t, err)
	t.Cleanup(g.(*cgroup).closeFiles)
	return g
}

// TestControlledIO wants bytes that pass by the page cache to be counted, twice.
func TestControlledIO(t *testing.T) {
	b := newBench(t, openControlled(t, t.TempDir()), "slot")
	file := filepath.Join("/var/tmp", "octaskly-"+strconv.Itoa(os.Getpid()))
	defer os.Remove(file)
	for range 2 {
		b.start(fmt.Sprintf("exec 2>&1; dd if=/dev/zero of=%[1]s bs=1M count=8 oflag=direct && dd if=%[1]s of=/dev/null bs=1M count=4 iflag=direct", file))
		u, _, status := b.measured()
		if status != 0 || u.Written < 8*mib || u.Written > 9*mib || u.Read < 4*mib || u.Read > 5*mib {
			t.Errorf("status %v, %d bytes written, %d read, want 8 MiB, 4 MiB", status, u.Written, u.Read)
		}
	}
}

// TestControlledFailedStart wants limits to hold for a second try, and not for
// the next command's.
func TestControlledFailedStart(t *testing.T) {
	b := newBench(t, openControlled(t, t.TempDir()), "slot")
	check(t, b.Limit(octaskly.Limits{Memory: 64 * mib, Processes: 5}))
	attr := syscall.ProcAttr{Sys: &syscall.SysProcAttr{}}
	if err := b.Start("/nothing/here", []string{"x"}, &attr, nil); err != unix.ENOENT {
		t.Fatalf("%v, want ENOENT itself", err)
	}
	b.wants("5", strconv.Itoa(64*mib))
	b.start("true")
	b.wants("5", strconv.Itoa(64*mib))
	b.end()
	check(t, b.Limit(octaskly.Limits{Processes: 7}))
	b.wants("7", "max")
	check(t, b.Limit(octaskly.Limits{}))
	b.wants("max", "max")
}

func (b *bench) wants(processes, memory string) {
	b.t.Helper()
	for name, want := range map[string]string{"pids.max": processes, "memory.max": memory} {
		text, err := os.ReadFile(filepath.Join(b.Group.(*cgroup).path, name))
		check(b.t, err)
		if got := strings.TrimSpace(string(text)); got != want {
			b.t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func openQuietly(t testing.TB, dir string) Containment {
	t.Helper()
	c, err := Open(Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	t.Cleanup(func() { check(t, c.Close()) })
	return c
}
