package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// restrict takes from this thread, and so from its children, what the task shall
// not have. Setting its user takes the rest, which is why securebits leave that
// to the kernel (capabilities(7)).
func restrict(t *plan.Task) error {
	for _, l := range t.Limits {
		// Not by prlimit(2): package syscall would give its children the limit of
		// open files back that this process was born with.
		if err := syscall.Setrlimit(int(l.Resource), &syscall.Rlimit{Cur: l.Soft, Max: l.Hard}); err != nil {
			return fail(plan.StepLimits, limitName(l.Resource), err)
		}
	}
	if err := dropCapabilities(t.Bounding); err != nil {
		return fail(plan.StepRights, "capabilities", err)
	}
	if t.NoNewPriv {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fail(plan.StepRights, "no_new_privs", err)
		}
	}
	if err := restrictFiles(&t.Landlock); err != nil {
		return err
	}
	return filterCalls(t.Filter)
}

func limitName(resource uint32) string {
	names := [...]string{
		unix.RLIMIT_CPU: "cpu time", unix.RLIMIT_FSIZE: "file size", unix.RLIMIT_CORE: "core", unix.RLIMIT_NOFILE: "open files",
		unix.RLIMIT_NPROC: "processes", unix.RLIMIT_MEMLOCK: "locked memory", unix.RLIMIT_RTPRIO: "priority",
	}
	if int(resource) < len(names) {
		return names[resource]
	}
	return ""
}

const (
	secureNoRoot       = 1 << 0 // SECBIT_NOROOT: to be user 0 brings no capabilities at an exec
	secureNoRootLocked = 1 << 1
	secureFixupLocked  = 1 << 3 // to leave user 0 goes on taking them
	secureKeepLocked   = 1 << 5
	secureAmbient      = 3 << 6 // SECBIT_NO_CAP_AMBIENT_RAISE and its lock
)

// dropCapabilities empties the ambient, the inheritable and the bounding set but
// for the capabilities to keep.
func dropCapabilities(keep uint64) error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	for c := range uintptr(64) {
		if keep&(1<<c) != 0 {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if err == unix.EINVAL { // there is no such one, nor a higher
			break
		}
		if err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, secureNoRoot|secureNoRootLocked|secureFixupLocked|secureKeepLocked|secureAmbient, 0, 0, 0); err != nil {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return err
	}
	sets[0].Inheritable, sets[1].Inheritable = 0, 0
	return unix.Capset(&header, &sets[0])
}

// restrictFiles puts this thread into a Landlock domain.
func restrictFiles(l *plan.Landlock) error {
	if l.FS == 0 {
		return nil
	}
	attr := [3]uint64{l.FS, l.Net, l.Scoped} // struct landlock_ruleset_attr
	size := uintptr(24)
	for ; size > 8 && attr[size/8-1] == 0; size -= 8 { // older kernels know less of it
	}
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return fail(plan.StepLandlock, "ruleset", errno)
	}
	defer unix.Close(int(ruleset))
	for _, rule := range l.Rules {
		if err := allowPath(int(ruleset), rule); err != nil {
			return fail(plan.StepLandlock, rule.Path, err)
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0); errno != 0 {
		return fail(plan.StepLandlock, "thread", errno)
	}
	return nil
}

// fileAccess is what landlock(7) lets rules say of a file.
const fileAccess = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
	unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV

func allowPath(ruleset int, rule plan.Rule) error {
	fd, err := unix.Open(rule.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return err
	}
	access := rule.Access
	if info.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= fileAccess
	}
	// struct landlock_path_beneath_attr is packed: 12 bytes.
	beneath := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&beneath)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// filterCalls puts this thread under a seccomp filter.
func filterCalls(filter []byte) error {
	if len(filter) == 0 {
		return nil
	}
	program := unix.SockFprog{Len: uint16(len(filter) / 8), Filter: (*unix.SockFilter)(unsafe.Pointer(&filter[0]))}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return fail(plan.StepSeccomp, "", err)
	}
	return nil
}
