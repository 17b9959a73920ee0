package resources

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/procfs"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("TEST_EXECUTOR_DIR"); dir != "" {
		liveAndDie(dir)
	}
	if steps := os.Getenv("TEST_STEPS"); steps != "" {
		obey(steps)
	}
	os.Exit(m.Run())
}

const patience = time.Minute

// bench is a group in which a test runs commands.
type bench struct {
	t *testing.T
	Group
	pidfd int
}

// eachKind runs a test with either kind of group.
func eachKind(t *testing.T, test func(t *testing.T, c Containment)) {
	for _, best := range []bool{false, true} {
		t.Run(map[bool]string{false: octaskly.KillCgroup, true: octaskly.KillBestEffort}[best], func(t *testing.T) {
			test(t, open(t, t.TempDir(), best))
		})
	}
}

func open(t *testing.T, dir string, best bool) Containment {
	t.Helper()
	c, err := Open(Options{Dir: dir, NoCgroup: best, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, c.Close()) })
	if !best && c.Feature() != octaskly.KillCgroup {
		t.Skip("this machine has no writable cgroup2")
	}
	return c
}

func newBench(t *testing.T, c Containment, name string) *bench {
	t.Helper()
	g, err := c.Group(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, g.Close()) })
	return &bench{t, g, -1}
}

// start runs a shell script, whose standard output is a new file.
func (b *bench) start(script string) (output string) {
	b.t.Helper()
	output = filepath.Join(b.t.TempDir(), "output")
	file, err := os.Create(output)
	check(b.t, err)
	defer file.Close()
	null, err := os.Open(os.DevNull)
	check(b.t, err)
	defer null.Close()
	mark := "MARK=" + b.t.Name() + strconv.FormatInt(time.Now().UnixNano(), 36)
	attr := syscall.ProcAttr{
		Env:   []string{"PATH=/usr/bin:/bin", mark},
		Files: []uintptr{null.Fd(), file.Fd(), file.Fd()},
		Sys:   &syscall.SysProcAttr{PidFD: &b.pidfd},
	}
	check(b.t, b.Start("/bin/sh", []string{"sh", "-c", script}, &attr, []string{mark}))
	return output
}

// end waits for the script, and for all it has left.
func (b *bench) end() (leftover bool, status syscall.WaitStatus) {
	b.t.Helper()
	b.await()
	leftover, err := b.Clear(patience)
	check(b.t, err)
	status, err = b.Reap(nil)
	check(b.t, err)
	return leftover, status
}

func (b *bench) await() {
	b.t.Helper()
	defer unix.Close(b.pidfd)
	fds := []unix.PollFd{{Fd: int32(b.pidfd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, int(patience.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n != 1 {
			b.t.Fatalf("the command does not end: %v", err)
		}
		return
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pids reads the numbers in a file, which must be n.
func pids(t *testing.T, path string, n int) (found []int) {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	for word := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(word)
		check(t, err)
		found = append(found, pid)
	}
	if len(found) != n {
		t.Fatalf("%q names %d processes, want %d", text, len(found), n)
	}
	return found
}

func alive(pid int) bool {
	p, err := procfs.Read(pid)
	return err == nil && !p.Dead
}

// daemons are ways to outlive a command. Each writes its process id before the
// command ends.
var daemons = map[string]string{
	"background":     `sleep 1000 & echo $!`,
	"stopped":        `trap "" HUP; sleep 1000 & kill -STOP $!; echo $!`,
	"own session":    `mkfifo $$.f; setsid sh -c 'echo $$; echo > '$$'.f; exec sleep 1000' & read x < $$.f; rm $$.f`,
	"forked twice":   `mkfifo $$.f; (setsid sh -c 'sleep 1000 & echo $!; echo > '$$'.f' &) ; read x < $$.f; rm $$.f`,
	"no environment": `mkfifo $$.f; (env -i setsid sh -c '/bin/sleep 1000 & echo $!; echo > '$$'.f' &) ; read x < $$.f; rm $$.f`,
	"ignores TERM":   `mkfifo $$.f; (setsid sh -c 'trap "" TERM HUP INT; echo $$; echo > '$$'.f; while :; do sleep 1000; done' &) ; read x < $$.f; rm $$.f`,
}

func TestLeftovers(t *testing.T) {
	eachKind(t, func(t *testing.T, c Containment) {
		b := newBench(t, c, "slot")
		for name, script := range daemons {
			t.Run(name, func(t *testing.T) {
				b.t = t
				output := b.start("exec 2>&-; cd " + t.TempDir() + "; " + script + "; exit 3")
				leftover, status := b.end()
				pid := pids(t, output, 1)[0]
				if !leftover || status.ExitStatus() != 3 {
					t.Errorf("leftover %v, exit status %d, want true, 3", leftover, status.ExitStatus())
				}
				if alive(pid) {
					t.Errorf("process %d is alive", pid)
				}
			})
		}
		b.t = t
		b.start("true")
		if leftover, status := b.end(); leftover || status.ExitStatus() != 0 {
			t.Errorf("after the others: leftover %v, status %v", leftover, status)
		}
	})
}

// TestNeighbour wants commands of other groups left alone, whatever they have
// done to be found badly.
func TestNeighbour(t *testing.T) {
	eachKind(t, func(t *testing.T, c Containment) {
		b := newBench(t, c, "a")
		neighbour := newBench(t, c, "b")
		dir := t.TempDir()
		pipe := filepath.Join(dir, "pipe")
		check(t, unix.Mkfifo(pipe, 0o600))
		daemon := neighbour.start("cd " + dir + "; " + daemons["no environment"] + "; echo > pipe; exec sleep 1000")
		_, err := os.ReadFile(pipe)
		check(t, err)
		b.start("sleep 1000 & true")
		if leftover, _ := b.end(); !leftover {
			t.Error("no leftover found")
		}
		pid := pids(t, daemon, 1)[0]
		if !alive(pid) {
			t.Error("the neighbour's daemon is dead")
		}
		check(t, neighbour.Kill())
		leftover, status := neighbour.end()
		if status.Signal() != unix.SIGKILL {
			t.Errorf("the neighbour ended with %v, want to be killed", status)
		}
		if alive(pid) || !leftover && c.Feature() == octaskly.KillBestEffort {
			t.Errorf("daemon alive %v, leftover %v, want false, true", alive(pid), leftover)
		}
	})
}

func TestSignal(t *testing.T) {
	eachKind(t, func(t *testing.T, c Containment) {
		b := newBench(t, c, "slot")
		ready := filepath.Join(t.TempDir(), "ready")
		check(t, unix.Mkfifo(ready, 0o600))
		output := b.start("sleep 1000 & echo $!; echo > " + ready + "; exec sleep 1000")
		_, err := os.ReadFile(ready)
		check(t, err)
		check(t, b.Signal(unix.SIGUSR1))
		_, status := b.end()
		if status.Signal() != unix.SIGUSR1 {
			t.Errorf("ended with %v, want SIGUSR1", status)
		}
		if pid := pids(t, output, 1)[0]; alive(pid) {
			t.Errorf("process %d of the group is alive", pid)
		}
		if err := b.Signal(unix.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("signal after the end: %v, want %v", err, os.ErrProcessDone)
		}
	})
}

func TestMissingProgram(t *testing.T) {
	eachKind(t, func(t *testing.T, c Containment) {
		b := newBench(t, c, "slot")
		attr := syscall.ProcAttr{Sys: &syscall.SysProcAttr{}}
		if err := b.Start("/nothing/here", []string{"x"}, &attr, nil); err != unix.ENOENT {
			t.Errorf("%v, want ENOENT itself", err)
		}
		b.start("true")
		if leftover, _ := b.end(); leftover {
			t.Error("leftover true after a failed start")
		}
	})
}

// TestZombies wants orphans that end by themselves to be reaped, and nobody
// else's children.
func TestZombies(t *testing.T) {
	eachKind(t, func(t *testing.T, c Containment) {
		if c, ok := c.(*cgroups); ok { // as if we were process 1
			var err error
			c.orphans, err = adoptOrphans()
			check(t, err)
		}
		b := newBench(t, c, "slot")
		own := exec.Command("true")
		check(t, own.Start())
		output := b.start(`cd ` + t.TempDir() + `; mkfifo f; (setsid sh -c 'sh -c "echo \$\$" ; echo $$; echo > f' &); read x < f`)
		b.end()
		for _, pid := range pids(t, output, 2) {
			exists := func() bool { _, err := procfs.Read(pid); return err == nil }
			for begun := time.Now(); exists() && time.Since(begun) < patience; {
				// It was about to exit, and the end of a next command finds it.
				b.start("true")
				b.end()
			}
			if exists() {
				t.Errorf("process %d is a zombie", pid)
			}
		}
		check(t, own.Wait())
	})
}

// liveAndDie is an executor that is killed while commands run.
func liveAndDie(dir string) {
	c, err := Open(Options{Dir: dir, NoCgroup: os.Getenv("TEST_NO_CGROUP") != "", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := range 2 {
		g, err := c.Group("slot-" + strconv.Itoa(i))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		mark := fmt.Sprintf("MARK=%s-%d", dir, i)
		attr := syscall.ProcAttr{Env: []string{"PATH=/usr/bin:/bin", mark}, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{}}
		script := `setsid sleep 1000 & sleep 1000 & echo $$ $!; exec sleep 1000`
		if err := g.Start("/bin/sh", []string{"sh", "-c", script}, &attr, []string{mark}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	select {}
}

func TestSweep(t *testing.T) {
	eachKind(t, func(t *testing.T, c Containment) {
		dir := t.TempDir()
		stranger := newBench(t, c, "stranger")
		stranger.start("exec sleep 1000")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TEST_EXECUTOR_DIR="+dir)
		best := c.Feature() == octaskly.KillBestEffort
		if best {
			cmd.Env = append(cmd.Env, "TEST_NO_CGROUP=1")
		}
		stdout, err := cmd.StdoutPipe()
		check(t, err)
		check(t, cmd.Start())
		var found [4]int
		for i := range 2 {
			_, err = fmt.Fscanln(stdout, &found[2*i], &found[2*i+1])
			check(t, err)
		}
		check(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		for _, pid := range found {
			if !alive(pid) {
				t.Fatalf("process %d is dead before the sweep", pid)
			}
		}
		open(t, dir, best)
		for _, pid := range found {
			if alive(pid) {
				t.Errorf("process %d is alive", pid)
			}
		}
		check(t, stranger.Kill())
		if _, status := stranger.end(); status.Signal() != unix.SIGKILL {
			t.Errorf("a stranger ended with %v", status)
		}
		notes, _ := filepath.Glob(filepath.Join(dir, notePrefix+"*"))
		if len(notes) > 0 {
			t.Errorf("the sweep left %q", notes)
		}
	})
}
