package executor

import (
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// The benchmarks run true in four slots, and count the processor time of this
// process besides: that is steadier than the time on the clock. Compare them in
// one run:
//
//	go test -run xx -bench True -count 7 ./internal/executor

const benchSlots = 4

// BenchmarkTrueBare is what a Go program without any promises can do.
func BenchmarkTrueBare(b *testing.B) {
	defer ownTime(b)()
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	for range benchSlots {
		group.Go(func() {
			buf := make([]byte, 64<<10)
			for left.Add(-1) >= 0 {
				bareTrue(b, buf)
			}
		})
	}
	group.Wait()
}

func bareTrue(b *testing.B, buf []byte) {
	var pipes [2][2]int
	for i := range pipes {
		check(b, unix.Pipe2(pipes[i][:], unix.O_CLOEXEC))
	}
	pid, err := syscall.ForkExec("/usr/bin/true", []string{"true"}, &syscall.ProcAttr{
		Env:   []string{"PATH=" + defaultPath},
		Files: []uintptr{0, uintptr(pipes[0][1]), uintptr(pipes[1][1])},
	})
	check(b, err)
	for _, p := range pipes {
		unix.Close(p[1])
		for n, err := 1, error(nil); n > 0 || err == unix.EINTR; {
			n, err = unix.Read(p[0], buf)
		}
		unix.Close(p[0])
	}
	for _, err = syscall.Wait4(pid, nil, 0, nil); err == unix.EINTR; {
		_, err = syscall.Wait4(pid, nil, 0, nil)
	}
	check(b, err)
}

func BenchmarkTrueCgroup(b *testing.B) { benchmarkTrue(b, config(b), "") }

func BenchmarkTrueBestEffort(b *testing.B) {
	cfg := config(b)
	cfg.NoCgroup = true
	benchmarkTrue(b, cfg, "")
}

func BenchmarkTrueAccount(b *testing.B) { benchmarkTrue(b, another(b, config(b)), "") }

func BenchmarkTrueDirectory(b *testing.B) { benchmarkTrue(b, config(b), "/usr") }

func BenchmarkTrueAccountDirectories(b *testing.B) {
	cfg := another(b, config(b))
	cfg.Directories = []string{"/usr"}
	benchmarkTrue(b, cfg, "/usr")
}

func benchmarkTrue(b *testing.B, cfg Config, dir string) {
	cfg.Slots = benchSlots
	r := newRig(b, cfg)
	spec := octaskly.Spec{Argv: []string{"true"}, Dir: dir}
	attempts := make([]*Attempt, b.N)
	for i := range attempts {
		attempts[i] = &Attempt{ID: octaskly.AttemptID{Job: 1, Index: int64(i), Number: 1}, Spec: &spec, Array: true}
	}
	b.ResetTimer()
	defer ownTime(b)()
	// As a worker does it: some hundred ahead, and what has ended is released.
	const ahead = 256
	var offered, ended int
	for ended < b.N {
		if n := min(b.N-offered, ahead-(offered-ended)); n > 0 {
			r.Offer(attempts[offered : offered+n])
			offered += n
		}
		<-r.Wake()
		_, finished := r.Take()
		ids := make([]octaskly.AttemptID, len(finished))
		for i, f := range finished {
			ids[i] = f.ID
		}
		r.Release(ids)
		ended += len(finished)
	}
	b.StopTimer()
}

// ownTime reports this process's own processor time for each operation.
func ownTime(b *testing.B) func() {
	before := cpuTime(b)
	return func() {
		b.ReportMetric(float64(cpuTime(b)-before)/1000/float64(b.N), "own-µs/op")
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "true/s")
	}
}

func cpuTime(b *testing.B) int64 {
	var usage unix.Rusage
	check(b, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}
