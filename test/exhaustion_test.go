package test

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/test/cluster"
)

// manyIdle is a crowd of connections that say nothing.
const manyIdle = 10_000

// Ten thousand idle connections keep nobody out, neither at the control socket
// nor at the workers' port, and cost what they cost: little, and only while they
// are there.
func TestIdleConnections(t *testing.T) {
	room(t, manyIdle+1000)
	c := cluster.Start(t, cluster.Options{})
	before := descriptors(t, c.Dispatcher.PID())
	for _, door := range []struct{ network, address string }{{"unix", c.Socket()}, {"tcp", c.Address()}} {
		t.Run(door.network, func(t *testing.T) {
			crowd := make([]net.Conn, 0, manyIdle)
			defer func() {
				for _, conn := range crowd {
					conn.Close()
				}
			}()
			for range manyIdle {
				conn, err := connect(t, door.network, door.address)
				check(t, err)
				crowd = append(crowd, conn)
			}
			expect(t, c.Ctl(timeout(t), "run", "--", "echo", "served"), 0, "served\n", "")
			check(t, c.Workers[0].Kill()) // its next session goes through the crowd
			start(t, c.Workers[0])
			expect(t, c.Ctl(timeout(t), "run", "--", "echo", "again"), 0, "again\n", "")
			if n := descriptors(t, c.Dispatcher.PID()); n > before+1200 {
				t.Errorf("the dispatcher has %d descriptors open", n)
			}
			if rss := residentMiB(t, c.Dispatcher.PID()); rss > 150 {
				t.Errorf("the dispatcher takes up %d MiB", rss)
			}
		})
	}
	awaitSuccess(t, func() bool { return descriptors(t, c.Dispatcher.PID()) < before+30 })
}

// connect waits where a queue of connections is full, which the kernel does for TCP
// only.
func connect(t *testing.T, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if network == "unix" {
		return dirs.Dial(ctx, address)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// room makes sure that this process may open n descriptors.
func room(t *testing.T, n uint64) {
	t.Helper()
	var limit unix.Rlimit
	check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	if limit.Max < n {
		t.Skipf("%d open files are allowed, it takes %d", limit.Max, n)
	}
}

func residentMiB(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile("/proc/" + itoa(pid) + "/status")
	check(t, err)
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	check(t, err)
	return kib >> 10
}

// A daemon that has no descriptors left goes on by itself when it has some
// again, and what was accepted runs.
func TestDescriptorsRunOut(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	g := newGate(t)
	running := submit(t, c, g.command("echo through")...)
	g.await(t)
	for _, d := range []*cluster.Daemon{c.Dispatcher, c.Workers[0]} {
		before := limitDescriptors(t, d.PID(), uint64(descriptors(t, d.PID())+3))
		var crowd []net.Conn
		for range 50 {
			if conn, err := net.DialTimeout("unix", d.Socket(), time.Second); err == nil {
				crowd = append(crowd, conn)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		c.Ctl(ctx, "submit", "--", "true") // whatever becomes of it
		cancel()
		awaitLog(t, d, "too many open files")
		for _, conn := range crowd {
			conn.Close()
		}
		limitDescriptors(t, d.PID(), before)
	}
	expect(t, c.Ctl(timeout(t), "run", "--", "echo", "back"), 0, "back\n", "")
	g.pass(t)
	expect(t, c.Ctl(timeout(t), "wait", running), 0, "", "")
	if got := must(t, c, "logs", running); got != "through\n" {
		t.Errorf("its output is %q", got)
	}
}

// limitDescriptors sets how many descriptors a process may have, and returns how
// many that was.
func limitDescriptors(t *testing.T, pid int, n uint64) (before uint64) {
	t.Helper()
	var old unix.Rlimit
	check(t, unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &old))
	check(t, unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: old.Max}, nil))
	return old.Cur
}

// A client that the kernel kills for its memory takes nothing with it.
func TestClientIsKilled(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	g := newGate(t)
	cmd := c.Command(timeout(t), append([]string{"run"}, g.command("echo through")...)...)
	check(t, cmd.Start())
	g.await(t)
	check(t, cmd.Process.Kill())
	cmd.Wait()
	g.pass(t)
	expect(t, c.Ctl(timeout(t), "wait", "1"), 0, "", "")
	expect(t, c.Ctl(timeout(t), "logs", "1"), 0, "through\n", "")
}

// A client that does not read what it is sent holds nobody up, and finds all of
// it when it reads on.
func TestSlowReader(t *testing.T) {
	const size = 32 << 20
	c := cluster.Start(t, cluster.Options{})
	before := residentMiB(t, c.Dispatcher.PID())
	out, in, err := os.Pipe()
	check(t, err)
	defer out.Close()
	var clients []*exec.Cmd
	for range 8 {
		cmd := c.Command(timeout(t), "run", "--", "head", "-c", itoa(size), "/dev/zero")
		cmd.Stdout = in
		check(t, cmd.Start())
		clients = append(clients, cmd)
	}
	check(t, in.Close())
	awaitSuccess(t, func() bool { return strings.Count(must(t, c, "ls", "-a", "-o", "quiet"), "\n") == len(clients) })
	expect(t, c.Ctl(timeout(t), "run", "--", "echo", "served"), 0, "served\n", "")
	must(t, c, "wait", "1-8") // their ends do not wait for their readers
	if after := residentMiB(t, c.Dispatcher.PID()); after > before+64 {
		t.Errorf("the dispatcher grows from %d to %d MiB", before, after)
	}
	n, err := io.Copy(io.Discard, out)
	check(t, err)
	if want := int64(len(clients) * size); n != want {
		t.Errorf("%d bytes have come, want %d", n, want)
	}
	for _, cmd := range clients {
		check(t, cmd.Wait())
	}
}
