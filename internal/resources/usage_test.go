package resources

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// spin uses some processor time.
const spin = "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"

// openControlled opens cgroups, with controllers where TEST_CONTROLLERS says that
// there are some.
func openControlled(t testing.TB, dir string) *cgroups {
	t.Helper()
	if os.Getenv("TEST_CONTROLLERS") == "" {
		t.Skip("it takes cgroup2 controllers: test/machine runs it")
	}
	c := openQuietly(t, dir).(*cgroups)
	features, why := c.Limits()
	if want := []string{octaskly.LimitCPUTime, octaskly.LimitMemory, octaskly.LimitProcesses}; !slices.Equal(features, want) || why != nil {
		t.Fatalf("%q are offered, want %q: %v", features, want, why)
	}
	return c
}

// measured ends the script, and returns what it has used and what wait4(2) says
// that it has.
func (b *bench) measured() (octaskly.Usage, syscall.Rusage, syscall.WaitStatus) {
	b.t.Helper()
	b.await()
	return b.settled()
}

// settled is measured for who has waited for the end.
func (b *bench) settled() (octaskly.Usage, syscall.Rusage, syscall.WaitStatus) {
	b.t.Helper()
	u, err := b.Usage()
	check(b.t, err)
	_, err = b.Clear(patience)
	check(b.t, err)
	var truth syscall.Rusage
	status, err := b.Reap(&truth)
	check(b.t, err)
	return u, truth, status
}

// TestProcessorTime wants each command of a group to be charged its own time, in
// a group that is used again.
func TestProcessorTime(t *testing.T) {
	b := newBench(t, open(t, t.TempDir(), false), "slot")
	for range 3 {
		b.start(spin + "; (" + spin + ")")
		u, truth, _ := b.measured()
		want := time.Duration(truth.Utime.Nano() + truth.Stime.Nano())
		if diff := (u.CPUTime - want).Abs(); diff > want/10 {
			t.Errorf("%v of processor time, wait4 says %v", u.CPUTime, want)
		}
	}
	// As if the last look at this one was not the last.
	b.start(spin)
	_, err := b.Usage()
	check(t, err)
	b.end()
	b.start("true")
	if u, truth, _ := b.measured(); u.CPUTime > 2*time.Duration(truth.Utime.Nano()+truth.Stime.Nano())+10*time.Millisecond {
		t.Errorf("true has used %v, wait4 says %+v", u.CPUTime, truth)
	}
}

// TestLiveUsage wants it to grow while a command runs.
func TestLiveUsage(t *testing.T) {
	b := newBench(t, open(t, t.TempDir(), false), "slot")
	b.start("while :; do :; done")
	for end := time.Now().Add(patience); ; {
		u, err := b.Usage()
		check(t, err)
		if u.CPUTime > 30*time.Millisecond {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a busy loop uses %v", u.CPUTime)
		}
	}
	check(t, b.Kill())
	b.end()
}

// TestAdoptedUsage wants a later program to charge a command what this one would.
func TestAdoptedUsage(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, false)
	b := newBench(t, c, "slot")
	b.start(spin)
	earlier, _, _ := b.measured()
	b.start("exec sleep 1000")
	later, err := resumeCgroups(dir)
	check(t, err)
	g, err := later.Adopt("slot", b.PID(), nil)
	check(t, err)
	defer g.(*cgroup).closeFiles()
	u, err := g.Usage()
	check(t, err)
	if u.CPUTime > earlier.CPUTime/2 {
		t.Errorf("sleep has used %v, after a command that used %v", u.CPUTime, earlier.CPUTime)
	}
	check(t, b.Kill())
	b.end()
}

func TestUsageOfNothing(t *testing.T) {
	c := open(t, t.TempDir(), false)
	g, err := c.Group("slot")
	check(t, err)
	check(t, os.Remove(g.(*cgroup).path))
	if u, err := g.Usage(); !errors.Is(err, unix.ENODEV) {
		t.Errorf("a group that is gone uses %+v, %v, want ENODEV", u, err)
	}
	check(t, g.Close())
}

// TestNotOffered wants no limit accepted that is not offered.
func TestNotOffered(t *testing.T) {
	eachKind(t, func(t *testing.T, c Containment) {
		features, why := c.Limits()
		b := newBench(t, c, "slot")
		for feature, l := range map[string]octaskly.Limits{
			octaskly.LimitMemory: {Memory: 1 << 30}, octaskly.LimitProcesses: {Processes: 1000},
		} {
			offered := slices.Contains(features, feature)
			if err := b.Limit(l); (err == nil) != offered {
				t.Errorf("%s is offered: %v, set: %v", feature, offered, err)
			}
			if !offered && why == nil {
				t.Errorf("it is not said why there is no %s", feature)
			}
		}
		check(t, b.Limit(octaskly.Limits{CPUTime: time.Second, Disk: 1 << 20, OpenFiles: 64}))
		if reason := b.Struck(); reason != "" {
			t.Errorf("nothing has run and %s was met", reason)
		}
		if best := c.Feature() == octaskly.KillBestEffort; best == slices.Contains(features, octaskly.LimitCPUTime) {
			t.Errorf("%q are offered", features)
		}
	})
}

// TestManyDevices wants a long io.stat read to its end.
func TestManyDevices(t *testing.T) {
	var text strings.Builder
	for i := range 1000 {
		text.WriteString("259:" + strconv.Itoa(i) + " rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "io.stat")
	check(t, os.WriteFile(path, []byte(text.String()), 0o600))
	fd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	check(t, err)
	defer unix.Close(fd)
	m := newMeter()
	defer m.close()
	for range 2 {
		got, err := m.text(fd, ioStat)
		var r reading
		if err == nil {
			err = r.take(ioStat, got)
		}
		if r.read != 1000 || r.written != 2000 || err != nil {
			t.Errorf("%d read, %d written, %v, want 1000, 2000", r.read, r.written, err)
		}
	}
	check(t, os.WriteFile(path, make([]byte, maxText), 0o600))
	if got, err := m.text(fd, ioStat); err == nil {
		t.Errorf("%d bytes are read, want an error", len(got))
	}
}

func TestPeak(t *testing.T) {
	for _, tt := range []struct{ seen, now, kernel, before, want int64 }{
		{0, 5, 9, 0, 9}, // the kernel knows
		{7, 5, 0, 0, 7}, // it does not
		{0, 5, 0, 0, 5},
		{6, 5, 9, 9, 6},   // its peak is from before
		{6, 5, 10, 9, 10}, // and is not
	} {
		if got := peak(tt.seen, tt.now, tt.kernel, tt.before); got != tt.want {
			t.Errorf("%+v: %d", tt, got)
		}
	}
}
