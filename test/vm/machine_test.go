package vm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds each step that waits for a machine.
const patience = 2 * time.Minute

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// One machine does all it can, and then loses its power.
func TestMachine(t *testing.T) {
	m := Boot(t, Options{Name: "solo"})
	for _, step := range []struct {
		name string
		do   func(*testing.T, *Machine)
	}{
		{"settled", settled},
		{"results", results},
		{"files", files},
		{"users", users},
		{"concurrent commands", concurrently},
		{"deadline", deadline},
		{"signal", signal},
		{"await", awaited},
		{"reboot", reboot},
		{"power cut", powerCut},
	} {
		t.Run(step.name, func(t *testing.T) { step.do(t, m) })
	}
}

func settled(t *testing.T, m *Machine) {
	ctx := timeout(t)
	if state := m.Run(ctx, "systemctl", "is-system-running"); state.Stdout != "running\n" {
		t.Errorf("the system is %sfailed units:\n%s", state.Stdout, m.Run(ctx, "systemctl", "--failed", "--no-legend").Stdout)
	}
	for _, tt := range []struct{ script, want string }{
		{"stat -fc %T /sys/fs/cgroup", "cgroup2fs"},
		{"cat /proc/self/cgroup", "0::/vmagent.slice/vm-agent.service"},
		{"stat -fc %T /", "ext2/ext3"},
		{"hostname", "solo"},
		{"ls /sys/class/net", "lo"},
		{"ls /var/log/journal", "6f6374617c6b6c7976697274756d6163"},
	} {
		if got := strings.TrimSpace(Must(t, m.Shell(ctx, tt.script))); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.script, got, tt.want)
		}
	}
	var now int64
	if _, err := fmt.Sscan(Must(t, m.Run(ctx, "date", "+%s")), &now); err != nil {
		t.Fatal(err)
	}
	if off := time.Since(time.Unix(now, 0)).Abs(); off > 10*time.Second {
		t.Errorf("the clock is off by %v", off)
	}
}

func results(t *testing.T, m *Machine) {
	ctx := timeout(t)
	for _, tt := range []struct {
		script string
		want   Result
	}{
		{"echo out; echo err >&2", Result{"out\n", "err\n", 0, nil}},
		{"exit 7", Result{"", "", 7, nil}},
		{"kill -TERM $$", Result{"", "", 128 + 15, nil}},
		{"echo $HOME $USER; pwd", Result{"/root root\n/root\n", "", 0, nil}},
	} {
		if got := m.Shell(ctx, tt.script); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.script, got, tt.want)
		}
	}
	if r := m.Run(ctx, "no-such-command"); r.Code != -1 || r.Err == nil || !strings.Contains(r.Err.Error(), "not found") {
		t.Errorf("no-such-command: %v", r)
	}
}

func files(t *testing.T, m *Machine) {
	ctx := timeout(t)
	content := make([]byte, 12<<20)
	rand.NewChaCha8([32]byte{1}).Read(content)
	there, back := filepath.Join(t.TempDir(), "there"), filepath.Join(t.TempDir(), "back")
	if err := os.WriteFile(there, content, 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	Must(t, m.Put(ctx, there, "/root/deep/down/file", 0o640))
	put := time.Since(began)
	if sum := Must(t, m.Run(ctx, "sha256sum", "/root/deep/down/file")); !strings.HasPrefix(sum, fmt.Sprintf("%x ", sha256.Sum256(content))) {
		t.Errorf("sha256sum says %s", sum)
	}
	began = time.Now()
	Must(t, m.Get(ctx, "/root/deep/down/file", back))
	t.Logf("12 MiB took %v there and %v back", put, time.Since(began))
	if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, content) {
		t.Errorf("came back as %d bytes, error %v", len(got), err)
	}

	Must(t, m.WriteFile(ctx, "/etc/octaskly/worker.toml", "name = 1\n", 0o604))
	if got := Must(t, m.Run(ctx, "stat", "-c", "%a %s", "/etc/octaskly/worker.toml")); got != "604 9\n" {
		t.Errorf("stat says %s", got)
	}
	if r := m.ReadFile(ctx, "/etc/octaskly/none"); r.Code != 1 {
		t.Errorf("a file that is not there: %v", r)
	}
}

func users(t *testing.T, m *Machine) {
	ctx := timeout(t)
	user := m.As("user")
	if got := Must(t, user.Shell(ctx, "id -un; id -Gn; pwd; echo $HOME")); got != "user\nuser\n/home/user\n/home/user\n" {
		t.Errorf("user is %q", got)
	}
	if r := user.WriteFile(ctx, "/etc/hosts", "", 0o644); r.Code != 1 {
		t.Errorf("user may write /etc/hosts: %v", r)
	}
	if r := m.As("nobody-at-all").Run(ctx, "true"); r.Code != -1 || r.Err == nil {
		t.Errorf("a user who is not there: %v", r)
	}
}

func concurrently(t *testing.T, m *Machine) {
	ctx := timeout(t)
	// One that takes no input and one that gives none must not hold up others.
	deaf := m.Command(ctx, "sleep", "1000")
	deaf.Stdin = bytes.NewReader(make([]byte, 4<<20))
	if err := deaf.Start(); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			c := m.Command(ctx, "tr", "a", "b")
			c.Stdin = strings.NewReader(strings.Repeat("a", 10_000*(i+1)))
			if r := c.Run(); r.Stdout != strings.Repeat("b", 10_000*(i+1)) {
				t.Errorf("command %d: exit code %d, %d bytes, %v", i, r.Code, len(r.Stdout), r.Err)
			}
		})
	}
	group.Wait()
	if err := deaf.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if r := deaf.Wait(); r.Code != 128+15 {
		t.Errorf("the deaf one: %v", r)
	}
}

func deadline(t *testing.T, m *Machine) {
	late := errors.New("it is late")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	reader := &expecting{want: "begun\n", met: make(chan struct{})}
	c := m.Command(ctx, "bash", "-c", "echo begun; sleep 1001")
	c.Stdout = reader
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	<-reader.met
	cancel(late) // as a deadline does
	if r := c.Wait(); r.Code != -1 || !errors.Is(r.Err, late) {
		t.Errorf("got %v", r)
	}
	if r := m.Run(timeout(t), "pgrep", "-f", "sleep 1001"); r.Code != 1 {
		t.Errorf("it lives on: %v", r)
	}
}

func signal(t *testing.T, m *Machine) {
	reader := &expecting{want: "ready\n", met: make(chan struct{})}
	c := m.Command(timeout(t), "bash", "-c", "trap 'echo hup; exit 3' HUP; echo ready; while :; do sleep 0.1; done")
	c.Stdout = reader
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	<-reader.met
	if err := c.Signal(syscall.SIGHUP); err != nil {
		t.Error(err)
	}
	if r := c.Wait(); r.Code != 3 || reader.String() != "ready\nhup\n" {
		t.Errorf("got %v, output %q", r, reader)
	}
}

// expecting tells when it has got a certain text.
type expecting struct {
	bytes.Buffer
	want string
	met  chan struct{}
}

func (e *expecting) Write(p []byte) (int, error) {
	before := strings.Contains(e.String(), e.want)
	n, err := e.Buffer.Write(p)
	if !before && strings.Contains(e.String(), e.want) {
		close(e.met)
	}
	return n, err
}

func awaited(t *testing.T, m *Machine) {
	ctx := timeout(t)
	later := m.Command(ctx, "bash", "-c", "sleep 1; echo now >/tmp/later")
	if err := later.Start(); err != nil {
		t.Fatal(err)
	}
	if got := Must(t, m.Await(ctx, "cat /tmp/later")); got != "now\n" {
		t.Errorf("got %q", got)
	}
	if r := later.Wait(); r.Code != 0 {
		t.Error(r)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if r := m.Await(ctx, "echo not yet; false"); r.Code != 1 || r.Stderr != "not yet\n" {
		t.Errorf("got %v", r)
	}
}

func reboot(t *testing.T, m *Machine) {
	ctx := timeout(t)
	Must(t, m.WriteFile(ctx, "/root/kept", "before", 0o600))
	before := Must(t, m.ReadFile(ctx, "/proc/sys/kernel/random/boot_id"))
	began := time.Now()
	if err := m.Reboot(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("the reboot took %v", time.Since(began).Round(time.Millisecond))
	if got := Must(t, m.ReadFile(ctx, "/root/kept")); got != "before" {
		t.Errorf("the file holds %q", got)
	}
	if after := Must(t, m.ReadFile(ctx, "/proc/sys/kernel/random/boot_id")); after == before {
		t.Error("it is the same boot")
	}
	if n := strings.TrimSpace(Must(t, m.Shell(ctx, "journalctl --list-boots | wc -l"))); n == "1" {
		t.Error("the journal has forgotten the boot before")
	}
}

// A file that has been flushed outlives the cut, whatever is being written.
func powerCut(t *testing.T, m *Machine) {
	ctx := timeout(t)
	flushed := &expecting{want: "20\n", met: make(chan struct{})}
	c := m.Command(ctx, "bash", "-c", `for i in {1..1000}; do
	echo $i >/root/n$i; sync /root/n$i /root; echo $i; head -c 1M /dev/zero >>/root/noise
done`)
	c.Stdout = flushed
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	<-flushed.met
	if err := m.PowerCut(); err != nil {
		t.Fatal(err)
	}
	if r := c.Wait(); r.Code != -1 || r.Err == nil {
		t.Errorf("a command that was cut off: %v", r)
	}
	if r := m.Run(ctx, "true"); r.Code != -1 || !errors.Is(r.Err, errGone) {
		t.Errorf("a command to a machine that is off: %v", r)
	}
	if err := m.Boot(ctx); err != nil {
		t.Fatal(err)
	}
	for n := range strings.FieldsSeq(flushed.String()) {
		if r := m.ReadFile(ctx, "/root/n"+n); r.Stdout != n+"\n" {
			t.Errorf("file %s: %v", n, r)
		}
	}
	if err := m.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// Machines that resume from one state have one network, and little else, in
// common.
func TestTwoMachines(t *testing.T) {
	cable := Cable(t)
	a := Boot(t, Options{Name: "a", Network: cable})
	b := Boot(t, Options{Name: "b", Network: cable})
	ctx := timeout(t)

	ping := func(from, to *Machine) {
		t.Helper()
		Must(t, from.Await(ctx, "timeout 1 bash -c '</dev/tcp/"+to.Address()+"/7' 2>&1 | grep refused"))
	}
	ping(a, b)
	ping(b, a)
	if a, b := Must(t, a.Run(ctx, "head", "-c9", "/dev/urandom")), Must(t, b.Run(ctx, "head", "-c9", "/dev/urandom")); a == b {
		t.Errorf("both draw %q", a)
	}
	Must(t, a.WriteFile(ctx, "/root/a", "", 0o600))
	if r := b.ReadFile(ctx, "/root/a"); r.Code != 1 {
		t.Errorf("b sees a's file: %v", r)
	}

	if err := a.PowerCut(); err != nil {
		t.Fatal(err)
	}
	if err := a.Boot(ctx); err != nil {
		t.Fatal(err)
	}
	ping(a, b)
	ping(b, a)
}

// A machine boots where it is not to resume, and can be another one.
func TestColdBoot(t *testing.T) {
	m := Boot(t, Options{Cold: true, CPUs: 1, Memory: 512, Disks: []int{16}})
	if got := Must(t, m.Shell(timeout(t), "nproc; blockdev --getsize64 /dev/vdb")); got != "1\n16777216\n" {
		t.Errorf("it has processors and bytes of disk:\n%s", got)
	}
}
