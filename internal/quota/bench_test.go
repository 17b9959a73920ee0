package quota

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

func BenchmarkOpen(b *testing.B) {
	for _, size := range []int64{10 << 30, 100 << 30, 1 << 40} {
		b.Run(itoa(int(size>>30))+"GiB", func(b *testing.B) {
			l := newLab(b)
			for b.Loop() {
				d, err := Open(l.dir, Options{Image: l.image, Size: size})
				l.check(err)
				b.StopTimer()
				l.check(d.Close())
				b.StartTimer()
			}
		})
	}
	b.Run("again", func(b *testing.B) {
		l := newLab(b)
		l.check(l.open().leave())
		for b.Loop() {
			l.check(l.open().leave())
		}
	})
}

func BenchmarkDisk(b *testing.B) {
	l := newLab(b)
	d := l.open()
	defer d.Close()
	dir := l.bounded(d, "one", 1001, mib)
	file, err := os.Open(dir)
	l.check(err)
	defer file.Close()
	b.Run("Usage", func(b *testing.B) {
		for b.Loop() {
			l.usage(d, 1001)
		}
	})
	b.Run("Full", func(b *testing.B) {
		for b.Loop() {
			l.full(d, 1001, false)
		}
	})
	for _, bounds := range []bool{false, true} {
		b.Run("Workspace/bounded="+strconv.FormatBool(bounds), func(b *testing.B) {
			for b.Loop() {
				l.workspace(d, bounds)
			}
		})
	}
	b.Run("Bound", func(b *testing.B) {
		for b.Loop() {
			l.check(d.Bound(int(file.Fd()), 1001, mib))
		}
	})
	b.Run("Release", func(b *testing.B) {
		for b.Loop() {
			l.check(d.Release(1001))
		}
	})
}

// workspace makes a directory, and removes it.
func (l lab) workspace(d *Disk, bounds bool) {
	l.check(unix.Mkdir(l.dir+"/w", 0o700))
	fd, err := unix.Open(l.dir+"/w", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	l.check(err)
	if bounds {
		l.check(d.Bound(fd, 1002, mib))
	}
	l.check(unix.Close(fd))
	l.check(unix.Rmdir(l.dir + "/w"))
	if bounds {
		l.check(d.Release(1002))
	}
}

func BenchmarkRemoveTree(b *testing.B) {
	l := newLab(b)
	d := l.open()
	defer d.Close()
	for b.Loop() {
		b.StopTimer()
		dir := l.bounded(d, "tree", 1003, 0)
		for n := range 1000 {
			l.check(os.WriteFile(dir+"/"+itoa(n), make([]byte, 6000), 0o600))
		}
		unix.Sync()
		b.StartTimer()
		l.check(os.RemoveAll(dir))
	}
}
