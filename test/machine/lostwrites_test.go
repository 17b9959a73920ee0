package machine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/octaskly/octaskly/test/vm"
)

// lostWriteCuts is how often TestLostWrites cuts.
const lostWriteCuts = 12

// TestLostWrites cuts the power of the dispatcher's disk alone, many times within
// one boot. The disk is the program disk, as unkind as a real one may be: of what
// was written and not flushed, some blocks are kept and some are not, whichever
// came first. So it finds a flush that is missing anywhere between SQLite and the
// medium, and files whose name or length is not as durable as what was said of
// them.
//
// What it does not show is the end of everything else: worker, executor and
// commands go on, as on other machines of a fleet. Therefore more holds than after
// TestPowerCuts: nothing at all may run twice. An end that was acknowledged before
// it was durable would show as a task that its worker has forgotten.
func TestLostWrites(t *testing.T) {
	s := installed(t)
	s.burden()
	d := s.newDisk()
	s.enable()
	l := newLedger()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for round := range lostWriteCuts {
		load := s.drive(l, 2, "", 1+random.IntN(60))
		said := d.tell(fmt.Sprintf("cut %d %d %d", random.IntN(101), random.Uint64(), random.IntN(30)))
		s.sh(`systemctl kill --signal KILL octasklyd-dispatcher
			systemctl stop octasklyd-dispatcher.socket octasklyd-dispatcher.service
			umount /var/lib/octaskly/dispatcher`)
		check(t, load.Signal(syscall.SIGTERM))
		vm.Must(t, load.Wait())
		d.tell("on")
		began := time.Now()
		s.sh(mountDisk + "systemctl start octasklyd-dispatcher")
		if round%3 == 0 {
			s.connected() // in between, the dispatcher has nobody but users
		}
		t.Logf("cut %d: %s; %v; back after %v", round+1, said, l, time.Since(began).Round(time.Second/10))
		l.survives(s)
		s.says("find /var/lib/octaskly -name '*damaged*'", "")
	}
	s.idle()
	ran := s.executions()
	l.tallies(t, s.list(1), ran)
	if n := repeated(ran); n > 0 {
		t.Errorf("%d of %d executions were of tasks that had run before", n, len(ran))
	}
}

const mountDisk = "mount /dev/nbd0 /var/lib/octaskly/dispatcher\n"

// cacheDisk is the program disk, which runs in the machine.
type cacheDisk struct {
	s    *site
	in   io.Writer
	pipe *io.PipeReader
	out  *bufio.Reader // of pipe
}

// newDisk has the dispatcher keep its state on such a disk.
func (s *site) newDisk() *cacheDisk {
	s.Helper()
	vm.Must(s, s.Put(s.ctx(), buildProgram(s.T, "test/machine/disk"), "/root/disk", 0o755))
	s.sh("modprobe nbd nbds_max=1")
	stdin, in := io.Pipe()
	out, stdout := io.Pipe()
	c := s.Command(s.Context(), "/root/disk", "/dev/nbd0", "64")
	c.Stdin, c.Stdout = stdin, stdout
	if err := c.Start(); err != nil {
		s.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		stdout.CloseWithError(fmt.Errorf("the disk has ended: %v", c.Wait()))
		close(ended)
	}()
	s.Cleanup(func() { in.Close(); s.PowerCut(); <-ended })
	d := &cacheDisk{s, in, out, bufio.NewReader(out)}
	d.says("ready")
	s.sh("mkfs.ext4 -q -m 0 /dev/nbd0; mkdir -p /var/lib/octaskly/dispatcher\n" + mountDisk)
	return d
}

func (d *cacheDisk) says(want string) {
	d.s.Helper()
	if said := d.read(); said != want {
		d.s.Fatalf("the disk says %q, not %q", said, want)
	}
}

func (d *cacheDisk) read() string {
	d.s.Helper()
	ctx, cancel := context.WithTimeout(d.s.Context(), patience)
	defer cancel()
	defer context.AfterFunc(ctx, func() { d.pipe.CloseWithError(ctx.Err()) })()
	line, err := d.out.ReadString('\n')
	if err != nil {
		d.s.Fatal(err)
	}
	return strings.TrimSuffix(line, "\n")
}

// tell gives it an order and returns the answer.
func (d *cacheDisk) tell(order string) string {
	d.s.Helper()
	if _, err := fmt.Fprintln(d.in, order); err != nil {
		d.s.Fatal(err)
	}
	return d.read()
}
