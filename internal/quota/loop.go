package quota

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	loopMajor = 7
	// loopTries is how often another process may be quicker to take a free device.
	loopTries = 16
	blockSize = 4096 // of the device; with less, direct I/O would fail on some disks
)

// attach makes a block device of an image. It is detached when neither a process
// nor a mount holds it any more.
func attach(image *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w; is there a kernel module loop?", err)
	}
	defer control.Close()
	config := unix.LoopConfig{Fd: uint32(image.Fd()), Size: blockSize}
	if config.Info.Flags, err = loopFlags(image); err != nil {
		return nil, err
	}
	for range loopTries {
		device, err := take(control, &config)
		if err == nil || !errors.Is(err, unix.EBUSY) {
			return device, err
		}
	}
	return nil, errors.New("others take every free loop device")
}

// loopFlags ask for direct I/O, so that nothing is cached twice; the kernel falls
// back where the file system of the image has none. With that of btrfs, its
// checksums do not match pages that are changed while they are written.
func loopFlags(image *os.File) (uint32, error) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(image.Fd()), &fs); err != nil {
		return 0, err
	}
	if fs.Type == unix.BTRFS_SUPER_MAGIC {
		return unix.LO_FLAGS_AUTOCLEAR, nil
	}
	return unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_DIRECT_IO, nil
}

// take configures a free device. It fails with EBUSY when another process takes
// it first.
func take(control *os.File, config *unix.LoopConfig) (*os.File, error) {
	n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return nil, fmt.Errorf("cannot get a loop device: %w", err)
	}
	device, err := os.OpenFile("/dev/loop"+strconv.Itoa(n), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.IoctlLoopConfigure(int(device.Fd()), config); err != nil {
		device.Close()
		return nil, fmt.Errorf("cannot set up %s: %w", device.Name(), err)
	}
	return device, nil
}

// backs reports whether what is mounted on dir is a loop device with this file.
func backs(file os.FileInfo, dir string) (bool, error) {
	var stat unix.Stat_t
	if err := unix.Stat(dir, &stat); err != nil || unix.Major(stat.Dev) != loopMajor {
		return false, err
	}
	link, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", loopMajor, unix.Minor(stat.Dev)))
	if err != nil {
		return false, err
	}
	device, err := os.Open("/dev/" + filepath.Base(link))
	if err != nil {
		return false, err
	}
	defer device.Close()
	info, err := unix.IoctlLoopGetStatus64(int(device.Fd()))
	if err != nil {
		return false, fmt.Errorf("cannot ask %s for its file: %w", device.Name(), err)
	}
	image := file.Sys().(*syscall.Stat_t)
	return info.Device == image.Dev && info.Inode == image.Ino, nil
}
