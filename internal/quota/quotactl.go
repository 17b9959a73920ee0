package quota

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Commands of quotactl(2), without their type, from linux/quota.h and
// linux/dqblk_xfs.h.
const (
	getQuota   = 0x800007 // Q_GETQUOTA
	setQuota   = 0x800008 // Q_SETQUOTA
	getStatv   = 0x5808   // Q_XGETQSTATV
	ofProjects = 2        // PRJQUOTA
)

// dqblk is struct if_dqblk.
type dqblk struct {
	BlockHard, BlockSoft uint64 // KiB
	Space                uint64 // bytes, with what is reserved
	InodeHard, InodeSoft uint64
	Inodes               uint64
	BlockTime, InodeTime uint64
	Valid                uint32
	_                    uint32
}

// validLimits is QIF_LIMITS: the four limits are to be set.
const validLimits = 1 | 4

// statv is struct fs_quota_statv, which ext4 fills in as well.
type statv struct {
	Version int8
	_       uint8
	Flags   uint16
	_       [148]byte
}

const (
	statvVersion = 1      // FS_QSTATV_VERSION1
	enforcing    = 1 << 5 // FS_QUOTA_PDQ_ENFD
)

// quotactl speaks about the file system that a descriptor is on.
func quotactl(fd int, command, project uint32, about unsafe.Pointer) error {
	_, _, errno := unix.Syscall6(unix.SYS_QUOTACTL_FD, uintptr(fd), uintptr(command<<8|ofProjects), uintptr(project), uintptr(about), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// privileged says why this process cannot use project quotas, wherever.
func privileged() error {
	if err := quotactl(-1, getQuota, 0, nil); errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("%w: the kernel is too old; it takes Linux 5.14", ErrUnavailable)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("cannot learn own capabilities: %w", err)
	}
	if sets[0].Effective&(1<<unix.CAP_SYS_ADMIN) == 0 {
		return fmt.Errorf("%w: it takes CAP_SYS_ADMIN; run it as root", ErrUnavailable)
	}
	return nil
}

// enforces reports whether the file system of fd enforces limits of projects.
func enforces(fd int) (bool, error) {
	s := statv{Version: statvVersion}
	switch err := quotactl(fd, getStatv, 0, unsafe.Pointer(&s)); {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL):
		return false, nil // it has no quotas, or they are off
	case err != nil:
		return false, fmt.Errorf("cannot ask for its quotas: %w", err)
	}
	return s.Flags&enforcing != 0, nil
}

// fsxattr is struct fsxattr of linux/fs.h.
type fsxattr struct {
	Flags         uint32
	ExtentSize    uint32
	Extents       uint32
	Project       uint32
	CowExtentSize uint32
	_             [8]byte
}

const (
	getAttributes = 0x801c581f // FS_IOC_FSGETXATTR
	setAttributes = 0x401c5820 // FS_IOC_FSSETXATTR
	inherit       = 0x200      // FS_XFLAG_PROJINHERIT
)

// setProject gives a directory, and what will be made in it, a project.
func setProject(fd int, project uint32) error {
	var x fsxattr
	if err := ioctl(fd, getAttributes, unsafe.Pointer(&x)); err != nil {
		return err
	}
	x.Project = project
	x.Flags |= inherit
	return ioctl(fd, setAttributes, unsafe.Pointer(&x))
}

func ioctl(fd int, request uintptr, about unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(about)); errno != 0 {
		return errno
	}
	return nil
}
