package main

import (
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// staging is where a new root is mounted until it is the root. Every machine has
// it, and nothing in it is to be shown in a box.
const staging = "/proc"

// furnish makes the room, which this process is then alone in with its mounts.
func furnish(r *plan.Room) error {
	unix.Umask(0)
	if err := scoreOOM(r.OOMScore); err != nil {
		return fail(plan.StepRoom, "oom_score_adj", err)
	}
	if r.Hostname != "" {
		if err := unix.Sethostname([]byte(r.Hostname)); err != nil {
			return fail(plan.StepRoom, "host name", err)
		}
	}
	if r.Loopback {
		if err := switchLoopback(); err != nil {
			return fail(plan.StepRoom, "loopback", err)
		}
	}
	// What is mounted here stays here. What the machine unmounts goes here, too: a box
	// with the machine's root must not keep a disk busy.
	slave := unix.MountAttr{Propagation: unix.MS_SLAVE}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &slave); err != nil {
		return fail(plan.StepMount, "/", err)
	}
	if r.Fresh {
		return furnishRoot(r)
	}
	return mountAll(place{fd: unix.AT_FDCWD}, r.Ops, nil)
}

// furnishRoot mounts an empty root, fills it and leaves the old one.
func furnishRoot(r *plan.Room) error {
	attr := r.RootAttr &^ unix.MOUNT_ATTR_RDONLY // until the task's mounts are in it, see finish
	fd, err := newMount("tmpfs", r.RootData, attr)
	if err != nil {
		return fail(plan.StepMount, "root", err)
	}
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, staging, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fail(plan.StepMount, "root", err)
	}
	if err := mountAll(place{fd: fd, fresh: true}, r.Ops, nil); err != nil {
		return err
	}
	if err := changeRoot(fd); err != nil {
		return fail(plan.StepMount, "root", err)
	}
	return unix.Close(fd)
}

// changeRoot makes an open mount the root and lets go of the old one, see
// pivot_root(2) on ".".
func changeRoot(fd int) error {
	if err := unix.Fchdir(fd); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	return unix.Chdir("/")
}

// finish adds the task's mounts, and closes a root of its own to changes.
func finish(r *plan.Room, ops []plan.Op, given []int) error {
	if err := mountAll(place{fd: unix.AT_FDCWD, fresh: r.Fresh}, ops, given); err != nil || !r.Fresh {
		return err
	}
	attr := unix.MountAttr{Attr_set: uint64(r.RootAttr)}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", 0, &attr); err != nil {
		return fail(plan.StepMount, "/", err)
	}
	return nil
}

func scoreOOM(score int32) error {
	fd, err := unix.Open("/proc/self/oom_score_adj", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, strconv.AppendInt(nil, int64(score), 10))
	return err
}

// switchLoopback does what "ip link set lo up" does, see netdevice(7).
func switchLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request := struct {
		name  [unix.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{name: [unix.IFNAMSIZ]byte{'l', 'o'}, flags: unix.IFF_UP}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return errno
	}
	return nil
}
