package quota

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestScratchPool(t *testing.T) {
	l := newLab(t)
	d := l.open()
	if want := "a pool of 1GiB in " + l.image; d.String() != want {
		t.Errorf("it is %q, want %q", d, want)
	}
	info, err := os.Stat(l.dir)
	l.check(err)
	names, err := os.ReadDir(l.dir)
	l.check(err)
	if info.Mode().Perm() != 0o711 || len(names) != 0 {
		t.Errorf("its directory is %v with %v", info.Mode(), names)
	}
	if info, err := os.Stat(l.image); err != nil || info.Mode().Perm() != 0o600 || l.occupied() > 4*mib {
		t.Errorf("its image is %v and takes %d bytes, error %v", info.Mode(), l.occupied(), err)
	}
	l.check(d.Close())
	if _, err := os.Stat(l.image); !errors.Is(err, os.ErrNotExist) || l.mounts() != 0 {
		t.Errorf("it leaves %d mounts, and of its image %v", l.mounts(), err)
	}
}

func TestScratchReopen(t *testing.T) {
	l := newLab(t)
	first := l.open()
	dir := l.bounded(first, "busy", 1001, mib)
	l.writes(dir+"/a", mib/2, "")
	file, err := os.Open(dir + "/a")
	l.check(err)
	defer file.Close()

	second := l.open() // as after execve: the first is just gone
	if l.mounts() != 1 || second.String() != first.String() {
		t.Errorf("%d mounts of %q", l.mounts(), second)
	}
	if n := l.usage(second, 1001); n < mib/2 {
		t.Errorf("the usage is %d", n)
	}
	l.writes(dir+"/a", mib, "EDQUOT")
	l.full(second, 1001, true)
	l.check(first.leave())

	l.check(second.Close())
	if l.mounts() != 0 {
		t.Error("it is mounted though closed")
	}
	if n, err := file.Read(make([]byte, 10)); n != 10 || err != nil {
		t.Errorf("who uses it reads %d bytes, error %v", n, err)
	}
	third := l.open() // while the old one lives on
	if names, err := os.ReadDir(l.dir); err != nil || len(names) != 0 {
		t.Errorf("a new one has %v, error %v", names, err)
	}
	l.check(third.Close())
}

// A pool without a size is only found, not made.
func TestScratchNoPool(t *testing.T) {
	l := newLab(t)
	_, err := Open(l.dir, Options{Image: l.image})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "ext4 on / enforces no project quotas; give it some by tune2fs") {
		t.Errorf("error %v", err)
	}
	l.check(l.open().leave())
	d, err := Open(l.dir, Options{Image: l.image})
	l.check(err)
	l.check(d.Close())
	if l.mounts() != 0 {
		t.Error("it is mounted though closed")
	}
}

func TestScratchSpoiledImage(t *testing.T) {
	for name, spoil := range map[string]func(l lab){
		"garbage":   func(l lab) { l.check(os.WriteFile(l.image, bytes.Repeat([]byte("garbage "), 1<<16), 0o600)) },
		"empty":     func(l lab) { l.check(os.WriteFile(l.image, nil, 0o600)) },
		"old":       func(l lab) { l.check(makeImage(l.dir, l.image, poolSize)); l.unmount() },
		"link":      func(l lab) { l.check(os.Symlink("/etc/passwd", l.image)) },
		"in use":    func(l lab) { l.check(makeImage(l.base+"/other", l.image, poolSize)) },
		"read-only": readOnly,
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.check(os.Mkdir(l.base+"/other", 0o700))
			t.Cleanup(func() { _ = unix.Unmount(l.base+"/other", unix.MNT_DETACH) })
			spoil(l)
			d := l.open()
			dir := l.bounded(d, "one", 1001, mib)
			l.writes(dir+"/a", 2*mib, "EDQUOT")
			if l.mounts() != 1 {
				t.Errorf("there are %d mounts", l.mounts())
			}
			l.check(d.Close())
		})
	}
}

func readOnly(l lab) {
	l.check(makeImage(l.dir, l.image, poolSize))
	l.check(unix.Mount("", l.dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
}

// Whenever a process is killed, the next one goes on.
func TestScratchKilled(t *testing.T) {
	l := newLab(t)
	for range 15 {
		cmd := prepare(t, 0, "reopen", l.dir, l.image)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		l.check(cmd.Start())
		kill := time.AfterFunc(rand.N(time.Second), func() { cmd.Process.Kill() })
		if err := cmd.Wait(); err == nil || kill.Stop() {
			t.Fatalf("it ends by itself: %v: %s", err, &stderr)
		}
		d := l.open()
		if l.mounts() != 1 {
			t.Fatalf("there are %d mounts", l.mounts())
		}
		dir := l.bounded(d, "one", 1001, mib)
		l.writes(dir+"/a", 2*mib, "EDQUOT")
		l.check(os.RemoveAll(dir))
		l.check(d.leave())
	}
	l.check(l.open().Close())
	l.settles(func() bool { return len(l.devices()) == 0 }, "loop devices are left")
}

// settles waits for what the kernel does in its own time.
func (l lab) settles(done func() bool, otherwise string) {
	l.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			l.Fatal(otherwise)
		}
		unix.Sync()
	}
}

func TestScratchShrinks(t *testing.T) {
	l := newLab(t)
	d := l.open()
	defer d.Close()
	dir := l.bounded(d, "one", 1001, 256*mib)
	l.writes(dir+"/a", 96*mib, "")
	does(t, alice, "create", dir, "100")
	unix.Sync()
	if n := l.occupied(); n < 96*mib {
		t.Errorf("with 96 MiB in it, the image takes %d bytes", n)
	}
	l.check(os.RemoveAll(dir))
	l.check(d.Release(1001))
	l.settles(func() bool { return l.occupied() < 4*mib }, "the image does not shrink")
}

func TestScratchNoFormatter(t *testing.T) {
	l := newLab(t)
	program, err := findFormat()
	l.check(err)
	program, err = filepath.EvalSymlinks(program)
	l.check(err)
	l.check(os.Rename(program, program+".away"))
	defer os.Rename(program+".away", program)
	_, err = Open(l.dir, Options{Image: l.image, Size: poolSize})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "install e2fsprogs") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(l.image); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it leaves an image: %v", err)
	}
}

func TestScratchTooSmall(t *testing.T) {
	l := newLab(t)
	_, err := Open(l.dir, Options{Image: l.image, Size: 5000})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "cannot make an ext4") {
		t.Errorf("error %v", err)
	}
}

// tmpfs mounts one over a new lab's base.
func tmpfs(t *testing.T, size int) lab {
	t.Helper()
	l := newLab(t)
	l.check(unix.Mount("tmpfs", l.base, "tmpfs", 0, fmt.Sprintf("size=%d", size)))
	t.Cleanup(func() { l.check(unix.Unmount(l.base, unix.MNT_DETACH)) })
	return labIn(t, l.base)
}

func TestScratchOnTmpfs(t *testing.T) {
	l := tmpfs(t, 64*mib)
	defer l.unmount()
	_, err := Open(l.dir, Options{})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "tmpfs on "+l.base+" enforces no project quotas; disk_pool = \"auto\"") {
		t.Errorf("without a pool: %v", err)
	}
	bytesAreBounded(l, "EDQUOT")
}

// The disk of the image is fuller than the pool knows: a write is lost, and
// nothing else is.
func TestScratchDiskFull(t *testing.T) {
	l := tmpfs(t, 32*mib)
	defer l.unmount()
	var log strings.Builder
	d, err := Open(l.dir, Options{Image: l.image, Size: poolSize, Log: slog.New(slog.NewTextHandler(&log, nil))})
	l.check(err)
	if !strings.Contains(log.String(), "can outgrow the disk") {
		t.Errorf("it does not warn: %s", &log)
	}
	dir := l.bounded(d, "one", 1001, 128*mib)
	l.writes(dir+"/a", 64*mib, "")
	file, err := os.Open(dir + "/a")
	l.check(err)
	if err := file.Sync(); err == nil {
		t.Error("64 MiB are on a disk of 32 MiB")
	}
	l.check(file.Close())
	l.check(d.leave())
	d = l.open()
	l.check(os.RemoveAll(dir))
	l.check(d.Close())
	bytesAreBounded(l, "EDQUOT")
}

func xfs(t *testing.T, options string) lab {
	t.Helper()
	program, err := exec.LookPath("mkfs.xfs")
	l := newLab(t)
	if err != nil {
		t.Skip("there is no mkfs.xfs")
	}
	disk := filepath.Join(l.base, "xfs")
	file, err := os.Create(disk)
	l.check(err)
	l.check(file.Truncate(512 * mib))
	l.check(file.Close())
	at := filepath.Join(l.base, "at")
	l.check(os.Mkdir(at, 0o711))
	for _, argv := range [][]string{{program, "-q", disk}, {"mount", "-o", "loop," + options, disk, at}} {
		if said, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", argv, err, said)
		}
	}
	t.Cleanup(func() { l.check(unix.Unmount(at, unix.MNT_DETACH)) })
	return labIn(t, at)
}

func TestScratchXFS(t *testing.T) {
	l := xfs(t, "prjquota")
	d := l.open()
	if want := "project quotas of xfs on " + l.base; d.String() != want {
		t.Errorf("it is %q, want %q", d, want)
	}
	l.check(d.Close())
	bytesAreBounded(l, "ENOSPC")
	inodesAreBounded(l, "ENOSPC")
	projectsAreApart(l)
}

func TestScratchXFSWithoutQuotas(t *testing.T) {
	l := xfs(t, "noquota")
	_, err := Open(l.dir, Options{})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "mount it with pquota") {
		t.Errorf("error %v", err)
	}
	d := l.open()
	if !strings.HasPrefix(d.String(), "a pool of 1GiB") {
		t.Errorf("it is %q", d)
	}
	l.check(d.Close())
}

// The machine's own ext4 with project quotas.
func TestScratchExt4(t *testing.T) {
	outer := newLab(t)
	l := outer
	l.check(makeImage(l.dir, l.image, poolSize))
	l = labIn(t, l.dir)
	d := l.open()
	if want := "project quotas of ext4 on " + outer.dir; d.String() != want {
		t.Errorf("it is %q, want %q", d, want)
	}
	l.check(d.Close())
	if outer.mounts() != 1 || l.mounts() != 0 {
		t.Error("it has changed what is mounted")
	}
	bytesAreBounded(l, "EDQUOT")
}
