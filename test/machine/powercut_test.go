package machine

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/octaskly/octaskly/test/vm"
)

// powerCutsVar names the variable that says how often TestPowerCuts cuts the
// power, 5 times if it is empty.
const powerCutsVar = "OCTASKLY_POWERCUTS"

// TestPowerCuts has QEMU killed under load, several times, and the disk opened
// again each time by a new one. All of the guest's memory is gone then: dirty
// pages, SQLite's and the executor's buffers, every process. So it finds what was
// acknowledged without fsync(2), and what does not come up by itself afterwards.
//
// It is weaker than a real cut in one respect: the disk is a file of the host,
// written with cache=unsafe. A write that the guest's kernel has issued reaches
// the host's page cache, which outlives QEMU, although no flush followed; only
// where it took a new cluster of the image does QEMU hold back the table that
// points there, until the guest flushes (qcow2_co_flush_to_os; "unsafe" leaves out
// no more than the host's own fsync). What a disk that loses or reorders writes
// does to us, TestLostWrites shows.
func TestPowerCuts(t *testing.T) {
	s := loaded(t)
	l := newLedger()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for round := range powerCuts(t) {
		s.drive(l, 6, ended, 1+random.IntN(20))
		check(t, s.PowerCut())
		began := time.Now()
		check(t, s.Boot(s.ctx()))
		s.connected()
		t.Logf("cut %d: %v; back after %v", round+1, l, time.Since(began).Round(time.Second))
		l.survives(s)
		s.unharmed()
	}
	s.idle()
	ran := s.executions()
	l.tallies(t, s.list(1), ran)
	t.Logf("%d executions, %d of them of tasks that had run before", len(ran), repeated(ran))
}

// idle waits until all jobs are over.
func (s *site) idle() {
	s.Helper()
	s.await(`octasklyctl stats -o json | grep '"jobs_live":0'`)
}

func powerCuts(t *testing.T) int {
	text := os.Getenv(powerCutsVar)
	if text == "" {
		return 5
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("cannot use %s: %q is no number of cuts", powerCutsVar, text)
	}
	return n
}

// loaded is a site with the program load, and a ledger for its tasks. Both roles
// have only just been enabled: what they wrote for the first time may be cut off,
// too.
func loaded(t *testing.T) *site {
	t.Helper()
	s := installed(t)
	s.burden()
	s.enable()
	return s
}

// burden brings the load, durably, and enables both roles, but does not start
// them.
func (s *site) burden() {
	s.Helper()
	vm.Must(s, s.Put(s.ctx(), buildProgram(s.T, "test/machine/load"), "/root/load", 0o755))
	s.sh(`install -d -o octaskly-task /srv/ledger
		mkdir -p /etc/octaskly/executor.d; echo 'allow_none = true' > /etc/octaskly/executor.d/load.toml
		systemctl enable octasklyd-dispatcher octasklyd-worker
		sync -f /etc`)
}

// buildProgram builds a program for a machine and returns its path.
func buildProgram(t *testing.T, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", path, "./"+pkg)
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build %s: %v\n%s", pkg, err, said)
	}
	return path
}

// drive starts load, with so many jobs that run at a time, and returns after n
// lines of a kind, or of any.
func (s *site) drive(l *ledger, runs int, kind string, n int) *vm.Command {
	s.Helper()
	reached := l.await(kind, n)
	c := s.Command(s.ctx(), "/root/load", "-runs", strconv.Itoa(runs))
	c.Stdout = l
	if err := c.Start(); err != nil {
		s.Fatal(err)
	}
	select {
	case <-reached:
	case <-c.Exited():
		s.Fatalf("load has ended: %v", c.Wait())
	case <-s.ctx().Done():
		s.Fatalf("load says no more: %v", l)
	}
	return c
}

// unharmed wants everything to have come up by itself, from what was there.
func (s *site) unharmed() {
	s.Helper()
	s.says("systemctl show --value -p NRestarts octasklyd-executor octasklyd-worker octasklyd-dispatcher | tr -d '\\n'", "000")
	s.says("systemctl --failed --no-legend", "")
	s.says("find /var/lib/octaskly -name '*damaged*'", "")
	s.says("journalctl -b -q -p warning -o cat -t octasklyd -u 'octasklyd-*' | grep -i -e damage -e corrupt -e salvage || true", "")
}
