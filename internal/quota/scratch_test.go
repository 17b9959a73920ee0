package quota

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// scratchVar is 1 on a machine on which these tests may mount and break what
// they like: test/machine runs them in a virtual one.
const scratchVar = "OCTASKLY_SCRATCH"

const (
	mib      = 1 << 20
	poolSize = 1 << 30
	alice    = 70001
)

// lab is a directory to bound things in, and the image of its pool.
type lab struct {
	testing.TB
	base, dir, image string
}

func newLab(t testing.TB) lab {
	t.Helper()
	if os.Getenv(scratchVar) != "1" {
		t.Skip("it takes root on a scratch machine: make test-vm runs it")
	}
	base, err := os.MkdirTemp("/var/tmp", "quota-")
	if err != nil {
		t.Fatal(err)
	}
	l := labIn(t, base)
	t.Cleanup(func() {
		if err := os.RemoveAll(base); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(l.unmount) // runs first
	return l
}

func labIn(t testing.TB, base string) lab {
	t.Helper()
	l := lab{t, base, filepath.Join(base, "work"), filepath.Join(base, "pool.img")}
	if err := os.Mkdir(l.dir, 0o711); err != nil {
		t.Fatal(err)
	}
	l.check(os.Chmod(base, 0o711))
	return l
}

func (l lab) check(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// mounts are how many lie on the directory.
func (l lab) mounts() (n int) {
	l.Helper()
	text, err := os.ReadFile("/proc/self/mounts")
	l.check(err)
	return strings.Count(string(text), " "+l.dir+" ")
}

func (l lab) unmount() {
	for l.mounts() > 0 {
		l.check(unix.Unmount(l.dir, unix.MNT_DETACH))
	}
}

func (l lab) open() *Disk {
	l.Helper()
	d, err := Open(l.dir, Options{Image: l.image, Size: poolSize})
	l.check(err)
	return d
}

// bounded makes a directory of alice's in a project.
func (l lab) bounded(d *Disk, name string, project uint32, bytes int64) (path string) {
	l.Helper()
	path = filepath.Join(l.dir, name)
	l.check(os.Mkdir(path, 0o700))
	file, err := os.Open(path)
	l.check(err)
	defer file.Close()
	l.check(d.Bound(int(file.Fd()), project, bytes))
	l.check(file.Chown(alice, alice))
	return path
}

func (l lab) usage(d *Disk, project uint32) int64 {
	l.Helper()
	n, err := d.Usage(project)
	l.check(err)
	return n
}

func (l lab) full(d *Disk, project uint32, want bool) {
	l.Helper()
	if full, err := d.Full(project); err != nil || full != want {
		q, _ := d.get(project)
		l.Errorf("project %d is full: %v, error %v, want %v; it has %+v", project, full, err, want, q)
	}
}

// writes compares how a write of alice's ends.
func (l lab) writes(path string, bytes int, errno string) (n int) {
	l.Helper()
	n, got := does(l, alice, "write", path, itoa(bytes))
	if got != errno || errno == "" && n != bytes {
		l.Errorf("to write %d bytes to %s ends after %d with %q, want %q", bytes, path, n, got, errno)
	}
	return n
}

// occupied is what the image takes on its disk, in bytes.
func (l lab) occupied() int64 {
	l.Helper()
	var stat unix.Stat_t
	l.check(unix.Stat(l.image, &stat))
	return stat.Blocks * 512
}

// devices are the loop devices that have the image.
func (l lab) devices() (names []string) {
	l.Helper()
	files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	l.check(err)
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && strings.HasPrefix(string(text), l.image) {
			names = append(names, file)
		}
	}
	return names
}
