package quota

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/units"
)

// findPool reports whether the image is mounted on dir and can be written.
func findPool(dir, image string) (bool, error) {
	root, err := mountRoot(dir)
	if err != nil || !root {
		return false, err
	}
	file, err := os.Stat(image)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	backed, err := backs(file, dir)
	if err != nil || !backed {
		return false, err
	}
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return false, err
	}
	if stat.Flags&unix.ST_RDONLY == 0 {
		return true, nil
	}
	return false, removePool(dir, image)
}

// makePool makes an image and mounts it on dir. One that is there already is of
// no use: see the package comment.
func makePool(dir string, o Options) error {
	began := time.Now()
	if free, err := freeFor(o.Image); err != nil {
		return err
	} else if free < o.Size {
		o.Log.Warn("the pool for disk limits can outgrow the disk it is on", "image", o.Image, "size", units.Size(o.Size), "free", units.Size(free).Human())
	}
	if err := makeImage(dir, o.Image, o.Size); err != nil {
		return errors.Join(err, discard(o.Image))
	}
	o.Log.Info("made a pool for disk limits", "image", o.Image, "size", units.Size(o.Size), "took", time.Since(began).Round(time.Millisecond))
	return nil
}

func makeImage(dir, path string, size int64) error {
	if err := discard(path); err != nil {
		return err
	}
	image, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer image.Close()
	if err := image.Truncate(size); err != nil {
		return err
	}
	if err := format(image); err != nil {
		return err
	}
	device, err := attach(image)
	if err != nil {
		return err
	}
	defer device.Close() // a mount holds it from then on
	return mount(device.Name(), dir)
}

// discard removes an image. A loop device that still has it keeps the file.
func discard(image string) error {
	if err := os.Remove(image); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removePool takes the pool from its directory.
func removePool(dir, image string) error {
	err := unix.Unmount(dir, unix.UMOUNT_NOFOLLOW)
	if errors.Is(err, unix.EBUSY) {
		err = unix.Unmount(dir, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
	}
	if err != nil {
		return fmt.Errorf("cannot unmount %q: %w", dir, err)
	}
	return discard(image)
}

func describe(image string) (string, error) {
	file, err := os.Stat(image)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("a pool of %v in %s", units.Size(file.Size()), image), nil
}

const (
	largestAuto  = int64(units.TiB)
	smallestAuto = int64(64 * units.MiB)
)

// AutoSize is how large a pool with this image, which need not be there, may be:
// half of what is free on its file system and what the image has already, but
// at most 1 TiB. In bytes.
func AutoSize(image string) (int64, error) {
	free, err := freeFor(image)
	if err != nil {
		return 0, fmt.Errorf("cannot size a pool: %w", err)
	}
	size := autoSize(free)
	if size == 0 {
		return 0, fmt.Errorf("cannot size a pool: %s is too full: %s free, and it takes %s", filepath.Dir(image), units.Size(free).Human(), units.Size(2*smallestAuto).Human())
	}
	return size, nil
}

// freeFor is how many bytes an image can take: what it has, and what is free.
func freeFor(image string) (int64, error) {
	dir := filepath.Dir(image)
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, fmt.Errorf("cannot learn what is free in %q: %w", dir, err)
	}
	var file unix.Stat_t
	if err := unix.Stat(image, &file); err != nil && !errors.Is(err, unix.ENOENT) {
		return 0, fmt.Errorf("cannot learn what %q takes: %w", image, err)
	}
	return int64(fs.Bavail)*fs.Bsize + file.Blocks*512, nil
}

// autoSize is a round half of what is free, or 0 if that is too little.
func autoSize(free int64) int64 {
	size := min(free/2, largestAuto)
	switch {
	case size >= int64(units.GiB):
		return size &^ (int64(units.GiB) - 1)
	case size >= smallestAuto:
		return size &^ (int64(units.MiB) - 1)
	}
	return 0
}
