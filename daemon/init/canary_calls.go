package main

import (
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call makes a system call and expects an errno of it.
func call(want unix.Errno, nr uintptr, args ...uintptr) string {
	var a [6]uintptr
	copy(a[:], args)
	_, _, errno := unix.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if errno == 0 {
		return "it is possible"
	}
	return refused(errno, want)
}

func (checks) userNamespace() string {
	return first(
		call(unix.EPERM, unix.SYS_UNSHARE, unix.CLONE_NEWUSER),
		cloneUser(),
		call(unix.EPERM, unix.SYS_SETNS, 0, 0))
}

// cloneUser forks; a child that there should not be goes at once.
func cloneUser() string {
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	switch {
	case errno != 0:
		return refused(errno, unix.EPERM)
	case pid == 0:
		for {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	return "a child in a namespace is possible"
}

func (checks) clone3() string {
	return first(
		call(unix.ENOSYS, unix.SYS_CLONE3, 0, 0),
		call(unix.ENOSYS, unix.SYS_IO_URING_SETUP, 1, 0))
}

func (checks) keyrings() string {
	const sessionKeyring = ^uintptr(2) // KEY_SPEC_SESSION_KEYRING, -3
	return call(unix.EPERM, unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, sessionKeyring, 1)
}

// terminal tries with high bits, too, which the kernel takes no notice of.
func (checks) terminal() string {
	letter := byte('x')
	for _, request := range []uintptr{unix.TIOCSTI, unix.TIOCSTI | 1<<32, unix.TIOCLINUX, unix.TIOCLINUX | 1<<63} {
		if why := call(unix.EPERM, unix.SYS_IOCTL, 0, request, uintptr(unsafe.Pointer(&letter))); why != "" {
			return why
		}
	}
	return ""
}

func (checks) sockets() string {
	for _, family := range []uintptr{unix.AF_PACKET, unix.AF_ALG, unix.AF_VSOCK, unix.AF_XDP, unix.AF_CAN, unix.AF_BLUETOOTH, unix.AF_ALG | 1<<32} {
		if why := call(unix.EPERM, unix.SYS_SOCKET, family, unix.SOCK_SEQPACKET, 0); why != "" {
			return why
		}
	}
	return ""
}

func (checks) mount() string {
	name := []byte("tmpfs\x00")
	return first(
		call(unix.EPERM, unix.SYS_FSOPEN, uintptr(unsafe.Pointer(&name[0])), 0),
		call(unix.EPERM, unix.SYS_OPEN_TREE, uintptr(unsafe.Pointer(&name[0])), 0, 0),
		call(unix.EPERM, unix.SYS_UMOUNT2, 0, 0),
		call(unix.EPERM, unix.SYS_PIVOT_ROOT, 0, 0))
}

// quota tries on standard input, which must not be reached.
func (checks) quota() string {
	const setXattr = 0x401c5820 // FS_IOC_FSSETXATTR, see ioctl_fs(2)
	var attr [28]byte
	return first(
		call(unix.EPERM, unix.SYS_IOCTL, 0, setXattr, uintptr(unsafe.Pointer(&attr))),
		call(unix.EPERM, unix.SYS_IOCTL, 0, setXattr|1<<40, uintptr(unsafe.Pointer(&attr))),
		call(unix.EPERM, unix.SYS_IOCTL, 0, unix.FS_IOC_SETFLAGS, uintptr(unsafe.Pointer(&attr))))
}

// trace asks for a process that there is not, because to be traced would hurt.
func (checks) trace() string {
	const nobody = 1 << 30
	return first(
		call(unix.EPERM, unix.SYS_PTRACE, unix.PTRACE_ATTACH, nobody),
		call(unix.EPERM, unix.SYS_PROCESS_VM_READV, uintptr(os.Getpid())))
}

func (checks) noNetwork() string {
	for _, family := range []uintptr{unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK, unix.AF_INET | 1<<32} {
		if why := call(unix.EPERM, unix.SYS_SOCKET, family, unix.SOCK_DGRAM, 0); why != "" {
			return why
		}
	}
	return ""
}

func (checks) noSharing() string {
	const ipcPrivate = 0
	return first(
		call(unix.EPERM, unix.SYS_FLOCK, 0, unix.LOCK_SH),
		call(unix.EPERM, unix.SYS_FCNTL, 0, unix.F_SETLEASE, unix.F_RDLCK),
		call(unix.EPERM, unix.SYS_INOTIFY_INIT1, 0),
		call(unix.EPERM, unix.SYS_SHMGET, ipcPrivate, 4096, 0o600),
		call(unix.EPERM, unix.SYS_MEMFD_CREATE, 0, 0))
}

// network finds a new network's interfaces and sockets: none but the loopback.
func (checks) network() string {
	text, err := os.ReadFile("/proc/self/net/dev")
	if err != nil {
		return err.Error()
	}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if i >= 2 && name != "lo" { // after two lines of headings
			return "there is interface " + name
		}
	}
	text, err = os.ReadFile("/proc/self/net/unix")
	if err != nil {
		return err.Error()
	}
	if strings.Count(string(text), "\n") > 1 {
		return "Unix sockets of others are seen"
	}
	return ""
}
