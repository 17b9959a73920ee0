package quota

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// As in linux/quota.h, linux/dqblk_xfs.h and linux/fs.h, for 64-bit machines.
func TestStructs(t *testing.T) {
	var q dqblk
	var s statv
	var x fsxattr
	for name, offset := range map[string][2]uintptr{
		"dqblk":         {unsafe.Sizeof(q), 72},
		"dqblk.Space":   {unsafe.Offsetof(q.Space), 16},
		"dqblk.Inodes":  {unsafe.Offsetof(q.Inodes), 40},
		"dqblk.Valid":   {unsafe.Offsetof(q.Valid), 64},
		"statv":         {unsafe.Sizeof(s), 152},
		"statv.Flags":   {unsafe.Offsetof(s.Flags), 2},
		"fsxattr":       {unsafe.Sizeof(x), 28},
		"fsxattr.Proj.": {unsafe.Offsetof(x.Project), 12},
	} {
		if offset[0] != offset[1] {
			t.Errorf("%s: %d, want %d", name, offset[0], offset[1])
		}
	}
}

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		bytes       int64
		kib, inodes uint64
	}{
		{0, 0, 0}, {1, 4, 1024}, {4096, 4, 1024}, {4097, 8, 1024}, {4 << 20, 4096, 1024}, {10 << 30, 10 << 20, 10 << 18},
		{math.MaxInt64, 1 << 53, 1<<51 - 1},
	} {
		if q := limits(tt.bytes, 4096); q.BlockHard != tt.kib || q.InodeHard != tt.inodes || q.Valid != 5 {
			t.Errorf("%d bytes: %+v", tt.bytes, q)
		}
	}
}

func TestLimitsNeverTakeAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.Int64Min(1).Draw(t, "bytes")
		block := uint64(1) << rapid.IntRange(10, 16).Draw(t, "block")
		q := limits(bytes, block)
		if q.BlockHard*1024 < uint64(bytes) || q.BlockHard*1024-uint64(bytes) >= block {
			t.Errorf("%d KiB", q.BlockHard)
		}
		if q.InodeHard < fewestInodes {
			t.Errorf("%d inodes", q.InodeHard)
		}
	})
}

func TestFull(t *testing.T) {
	for _, tt := range []struct {
		name string
		dqblk
		want bool
	}{
		{"no limit", dqblk{Space: 1 << 40, Inodes: 1 << 40}, false},
		{"empty", dqblk{BlockHard: 8, InodeHard: 1024}, false},
		{"a block left", dqblk{BlockHard: 8, InodeHard: 1024, Space: 4096}, false},
		{"less than a block left", dqblk{BlockHard: 8, InodeHard: 1024, Space: 4097}, true},
		{"at the limit", dqblk{BlockHard: 8, InodeHard: 1024, Space: 8192}, true},
		{"above", dqblk{BlockHard: 8, InodeHard: 1024, Space: 8193}, true},
		{"four blocks left of many", dqblk{BlockHard: 4096, Space: 4<<20 - 4*4096}, false},
		{"less than four blocks left of many", dqblk{BlockHard: 4096, Space: 4<<20 - 4*4096 + 1}, true},
		{"an inode left", dqblk{BlockHard: 8, InodeHard: 1024, Inodes: 1023}, false},
		{"no inode left", dqblk{BlockHard: 8, InodeHard: 1024, Inodes: 1024}, true},
	} {
		if got := tt.full(4096); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestPlace(t *testing.T) {
	for kind, want := range map[int64]string{
		unix.EXT4_SUPER_MAGIC:  "disk space cannot be bounded: ext4 on /x enforces no project quotas; give it some by tune2fs -O project,quota while it is not mounted and mount it with prjquota",
		unix.BTRFS_SUPER_MAGIC: "disk space cannot be bounded: btrfs on /x enforces no project quotas",
		0x1234:                 "disk space cannot be bounded: file system 0x1234 on /x enforces no project quotas",
	} {
		if err := (place{kind, "/x"}).unavailable(nil); err.Error() != want || !errors.Is(err, ErrUnavailable) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if err := (place{unix.XFS_SUPER_MAGIC, "/x"}).unavailable(unix.EIO); !errors.Is(err, ErrUnavailable) || !errors.Is(err, unix.EIO) {
		t.Errorf("with a cause: %v", err)
	}
}

func TestPlaceOf(t *testing.T) {
	if p, err := placeOf("/proc/self/fd", unix.PROC_SUPER_MAGIC); err != nil || p.at != "/proc" {
		t.Errorf("%+v, error %v", p, err)
	}
	if p, err := placeOf("/", 0); err != nil || p.at != "/" {
		t.Errorf("%+v, error %v", p, err)
	}
	if _, err := placeOf("/is/not/there", 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestAutoSize(t *testing.T) {
	for free, want := range map[int64]int64{
		0: 0, 100 << 20: 0, 128 << 20: 64 << 20, 300<<20 + 5: 150 << 20, 5 << 30: 2 << 30, 100 << 40: 1 << 40, -1: 0,
	} {
		if got := autoSize(free); got != want {
			t.Errorf("of %d: %d, want %d", free, got, want)
		}
	}
}

func TestFreeForCountsTheImage(t *testing.T) {
	image := filepath.Join(t.TempDir(), "pool.img")
	if _, err := freeFor(image); err != nil {
		t.Errorf("without an image: %v", err)
	}
	if _, err := AutoSize(filepath.Join(image, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a directory: %v", err)
	}
}

func TestOpenNowhere(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none"), Options{})
	if !errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

func TestTidy(t *testing.T) {
	if got := tidy([]byte("mkfs: bad\n\tluck \xff\n")); got != "mkfs: bad luck ?" {
		t.Errorf("got %q", got)
	}
	if got := tidy([]byte(strings.Repeat("a", 5000))); len(got) != mostSaid {
		t.Errorf("%d bytes", len(got))
	}
}

// The real mkfs.ext4 makes an image, without a mount.
func TestFormat(t *testing.T) {
	if _, err := findFormat(); err != nil {
		t.Skip(err)
	}
	image, err := os.Create(filepath.Join(t.TempDir(), "pool.img"))
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	if err := errors.Join(image.Truncate(10<<30), format(image)); err != nil {
		t.Fatal(err)
	}
	magic := make([]byte, 2)
	if _, err := image.ReadAt(magic, 1024+0x38); err != nil || magic[0] != 0x53 || magic[1] != 0xef {
		t.Errorf("the magic is %x, error %v", magic, err)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(image.Fd()), &stat); err != nil || stat.Blocks*512 > 4<<20 {
		t.Errorf("it takes %d bytes, error %v", stat.Blocks*512, err)
	}
	if err := errors.Join(image.Truncate(5000), format(image)); err == nil || !strings.Contains(err.Error(), "Not enough space") {
		t.Errorf("with no room: %v", err)
	}
}
