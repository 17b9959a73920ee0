package transport

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

const (
	asideVar = "OCTASKLY_TEST_ASIDE" // what a process in a network of its own does
	keyVar   = "OCTASKLY_TEST_KEY"
	port     = 7878
)

// aside is this test's program in a network of its own, which ends with it.
func aside(t *testing.T, name, role string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+name+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(append(os.Environ(), asideVar+"="+role), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// TestQUICNetworks has the worker's machine go from one network to another, with
// nothing in between for a while: its address and its routes go and others come.
func TestQUICNetworks(t *testing.T) {
	switch os.Getenv(asideVar) {
	case "dispatcher":
		dispatcherAside(t)
		return
	case "worker":
		workerAside(t)
		return
	}
	if _, err := exec.LookPath("ip"); err != nil || os.Getuid() != 0 {
		t.Skip("it takes root and ip(8), of iproute2, to make networks")
	}
	runtime.LockOSThread() // which Pdeathsig goes by
	defer runtime.UnlockOSThread()
	out, err := aside(t, t.Name(), "dispatcher").CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this machine permits no network of one's own")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}

func ip(t *testing.T, pid int, words string) {
	t.Helper()
	line := append([]string{"ip"}, strings.Fields(words)...)
	if pid != 0 {
		line = append([]string{"nsenter", "-t", fmt.Sprint(pid), "-n"}, line...)
	}
	if out, err := exec.CommandContext(t.Context(), line[0], line[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
}

// dispatcherAside is a machine in two networks, and has the worker's in its hand.
func dispatcherAside(t *testing.T) {
	runtime.LockOSThread()
	file := t.TempDir() + "/key"
	keys, _, err := security.LoadOrCreateKeyFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Key: keys.Present()}
	ip(t, 0, "link set lo up")
	ip(t, 0, "addr add 10.77.0.1/32 dev lo") // what the worker dials
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{Port: port})
	if err != nil {
		t.Fatal(err)
	}
	l, err := ListenQUIC(conn, cfg)
	if err != nil {
		t.Fatal(err)
	}
	worker := aside(t, "TestQUICNetworks", "worker", keyVar+"="+file)
	worker.Stderr = os.Stderr
	in, err := worker.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := worker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	defer worker.Wait()
	defer in.Close()
	defer l.Close()
	for i := range 2 {
		ip(t, 0, fmt.Sprintf("link add d%d type veth peer name w%d netns %d", i, i, worker.Process.Pid))
		ip(t, 0, fmt.Sprintf("addr add 10.77.%d.1/24 dev d%d", i+1, i))
		ip(t, 0, fmt.Sprintf("link set d%d up", i))
	}
	enter(t, worker.Process.Pid, 0)
	io.WriteString(in, "go\n")
	s, err := l.Accept(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(os.Stderr, out)
	before := s.Peer()
	lines := bufio.NewReader(s.Control())
	if line, err := asked(s, lines, "first\n"); line != "first\n" {
		t.Fatalf("in the first network: %q, %v", line, err)
	}
	ip(t, worker.Process.Pid, "link set w0 down")           // its address and routes are gone
	s.Control().SetReadDeadline(time.Now().Add(2 * pulses)) // a pulse must fail to be sent
	if line, err := asked(s, lines, "nowhere\n"); err == nil {
		t.Errorf("without a network: %q", line)
	}
	s.Control().SetReadDeadline(time.Now().Add(patience))
	enter(t, worker.Process.Pid, 1)
	if line, err := lines.ReadString('\n'); line != "nowhere\n" {
		t.Fatalf("in the second network: %q, %v", line, err)
	}
	if after := s.Peer(); !strings.HasPrefix(before, "10.77.1.2:") || !strings.HasPrefix(after, "10.77.2.2:") {
		t.Errorf("the worker was at %s and is at %s", before, after)
	}
}

// enter has the worker's machine in network i.
func enter(t *testing.T, pid, i int) {
	ip(t, pid, fmt.Sprintf("addr add 10.77.%d.2/24 dev w%d", i+1, i))
	ip(t, pid, fmt.Sprintf("link set w%d up", i))
	ip(t, pid, fmt.Sprintf("route add 10.77.0.1 via 10.77.%d.1", i+1))
}

// asked says a line and returns what comes back.
func asked(s Session, lines *bufio.Reader, text string) (string, error) {
	if _, err := io.WriteString(s.Control(), text); err != nil {
		return "", err
	}
	return lines.ReadString('\n')
}

// workerAside sends back what it gets, once there is a network.
func workerAside(t *testing.T) {
	key, err := security.LoadKeyFile(os.Getenv(keyVar))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdin.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	s, err := DialQUIC(t.Context(), fmt.Sprintf("10.77.0.1:%d", port), Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(s.Control(), s.Control())
	s.Close()
}
