package test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// Both streams come back byte for byte, apart, whatever is in them and however
// long they are.
func TestBytes(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	for _, n := range []int{0, 1, 4096, 65_000, 66_000, 3_000_000} {
		out, err := make([]byte, n), make([]byte, n/3)
		for i := range out {
			out[i] = byte(i * 7)
		}
		for i := range err {
			err[i] = byte(i*11 + i>>8)
		}
		dir := t.TempDir()
		check(t, os.WriteFile(filepath.Join(dir, "out"), out, 0o600))
		check(t, os.WriteFile(filepath.Join(dir, "err"), err, 0o600))
		id := submit(t, c, "--cwd", dir, "--shell", "cat out; cat err >&2")
		must(t, c, "wait", id)
		for range 2 { // also after a restart
			r := c.Ctl(timeout(t), "logs", id)
			if r.Code != 0 || r.Stdout != string(out) || r.Stderr != string(err) {
				t.Errorf("of %d and %d bytes %d and %d came back", len(out), len(err), len(r.Stdout), len(r.Stderr))
			}
			check(t, c.Dispatcher.Kill())
			start(t, c.Dispatcher)
		}
	}
}

// Output past the bound is cut, marked, and does the command no harm.
func TestBound(t *testing.T) {
	c := cluster.Start(t, cluster.Options{DispatcherFlags: []string{"--limits-max-output", "1MiB"}})
	r := c.Ctl(timeout(t), "run", "--shell", "head -c 3000000 /dev/zero; exit 5")
	if r.Code != 5 || len(r.Stdout) != 1<<20 || !strings.Contains(r.Stderr, "it wrote more than is kept") {
		t.Errorf("exit code %d, %d bytes, stderr %q", r.Code, len(r.Stdout), r.Stderr)
	}
	if d := show(t, c, "last"); d.Attempts[0].Discarded != 3_000_000-1<<20 {
		t.Errorf("%+v", d.Attempts)
	}
}

// What a task prints is there for a follower before the task ends.
func TestFollow(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	for _, command := range []string{"run", "logs"} {
		g := newGate(t)
		var args []string
		if command == "run" {
			args = append([]string{"run"}, g.command("echo two; echo three >&2")...)
		} else {
			id := submit(t, c, append([]string{"--"}, "sh", "-c", "echo one; "+g.command("echo two; echo three >&2")[3])...)
			args = []string{"logs", "-f", id}
		}
		if command == "run" {
			args[len(args)-1] = "echo one; " + args[len(args)-1]
		}
		cmd := c.Command(timeout(t), args...)
		stdout, err := cmd.StdoutPipe()
		check(t, err)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		check(t, cmd.Start())
		lines := bufio.NewReader(stdout)
		if line, err := lines.ReadString('\n'); line != "one\n" {
			t.Fatalf("%s: %q, %v", command, line, err)
		}
		g.await(t)
		g.pass(t)
		if line, err := lines.ReadString('\n'); line != "two\n" {
			t.Errorf("%s: %q, %v", command, line, err)
		}
		if err := cmd.Wait(); err != nil || stderr.String() != "three\n" {
			t.Errorf("%s: %v, stderr %q", command, err, stderr.String())
		}
	}
}

// --merge keeps the order in which a command wrote to both streams.
func TestMerge(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	var want strings.Builder
	for i := range 200 {
		fmt.Fprintf(&want, "out %d\nerr %d\n", i, i)
	}
	r := c.Ctl(timeout(t), "run", "--merge", "--shell", `i=0; while [ $i -lt 200 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done`)
	expect(t, r, 0, want.String(), "")
}

// Ctrl-C in run cancels the task and waits for its end.
func TestInterrupt(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	g := newGate(t)
	cmd := c.Command(timeout(t), append([]string{"run"}, g.command("echo never")...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	check(t, cmd.Start())
	g.await(t)
	check(t, cmd.Process.Signal(os.Interrupt))
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, %s", code, stderr.String())
	}
	if d := show(t, c, "last"); d.State != octaskly.Cancelled {
		t.Errorf("the task is %v", d.State)
	}
}

// A worker that does not answer is named to whoever waits for it after Ctrl-C.
func TestInterruptFrozenWorker(t *testing.T) {
	c := cluster.Start(t, cluster.Options{DispatcherFlags: []string{"--limits-lease", "12s"}})
	g := newGate(t)
	cmd := c.Command(timeout(t), append([]string{"run"}, g.command("echo never")...)...)
	stderr, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	g.await(t)
	check(t, c.Workers[0].Signal(stopSignal))
	check(t, cmd.Process.Signal(os.Interrupt))
	const want = "octasklyctl: task 1 ends when worker w1 answers or its lease has ended: it is away; interrupt once more to leave"
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && lines.Text() != want {
	}
	if lines.Text() != want {
		t.Error("its worker is not named")
	}
	check(t, c.Workers[0].Signal(contSignal))
	for lines.Scan() {
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
}

// A task that floods its output does not hold up others.
func TestFlood(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	flood := submit(t, c, "--", "yes")
	follower := c.Command(timeout(t), "logs", "-f", flood)
	check(t, follower.Start())
	for range 20 {
		expect(t, c.Ctl(timeout(t), "run", "--", "echo", "quick"), 0, "quick\n", "")
	}
	must(t, c, "cancel", flood)
	if err := follower.Wait(); err != nil {
		t.Errorf("the follower: %v", err)
	}
}

// Standard input travels, whatever its size, once for all elements.
func TestStdin(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	data := bytes.Repeat([]byte("octaskly\x00\xff"), 500_000)
	path := filepath.Join(t.TempDir(), "in")
	check(t, os.WriteFile(path, data, 0o600))
	sum := fmt.Sprintf("%x  -\n", sha256.Sum256(data))
	expect(t, c.Ctl(timeout(t), "run", "--array", "0-2", "--stdin", path, "--", "sha256sum"), 0, sum+sum+sum, "")
}
