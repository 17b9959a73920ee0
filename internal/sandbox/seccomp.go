package sandbox

import (
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The system calls of each level. Nobody changes them.
var (
	basicCalls      = basicFilter()
	strictCalls     = strictFilter()
	veryStrictCalls = veryStrictFilter()
)

// namespaceFlags are those of clone(2) that make a namespace; unlike the others
// CLONE_NEWTIME is known to clone3(2) only.
const namespaceFlags = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// deniedRequests of ioctl(2) type into somebody's terminal, or move a file out
// of its project's quota.
var deniedRequests = []uint64{
	unix.TIOCSTI, unix.TIOCLINUX, unix.TIOCSETD,
	fsSetXattr, unix.FS_IOC_SETFLAGS,
}

// fsSetXattr is FS_IOC_FSSETXATTR, see ioctl_fs(2).
const fsSetXattr = 0x401c5820

func words(text string) []string { return strings.Fields(text) }

// basicFilter allows what nobody has thought of.
func basicFilter() *specs.LinuxSeccomp {
	f := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Architectures: []specs.Arch{nativeArch}}
	deny(f, unix.EPERM, machineCalls)
	deny(f, unix.ENOSYS, newCalls)
	cloneRules(f)
	allowLow(f, "socket", 0, unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK)
	allowLow(f, "socketpair", 0, unix.AF_UNIX)
	denyLow(f, "ioctl", 1, deniedRequests...)
	return f
}

// strictFilter denies what nobody has thought of, as if the kernel did not know
// it. NETLINK_ROUTE is how programs list their network's interfaces.
func strictFilter() *specs.LinuxSeccomp {
	f := closedFilter()
	deny(f, unix.EPERM, peerCalls)
	allow(f, []string{"socket"}, low(0, unix.AF_NETLINK), low(2, unix.NETLINK_ROUTE))
	allowLow(f, "socket", 0, unix.AF_UNIX, unix.AF_INET, unix.AF_INET6)
	allow(f, slices.Concat(plainCalls, sharedCalls, []string{"fcntl"}))
	return f
}

// veryStrictFilter leaves alone what boxes share.
func veryStrictFilter() *specs.LinuxSeccomp {
	f := closedFilter()
	deny(f, unix.EPERM, slices.Concat(peerCalls, sharedCalls))
	allowLow(f, "socket", 0, unix.AF_UNIX)
	denyLow(f, "fcntl", 1, unix.F_SETLEASE, unix.F_NOTIFY)
	allow(f, slices.Concat(plainCalls, []string{"fcntl"}))
	return f
}

// closedFilter is what the filters that begin with nothing have in common.
func closedFilter() *specs.LinuxSeccomp {
	unknown := uint(unix.ENOSYS)
	f := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: &unknown, Architectures: []specs.Arch{nativeArch}}
	deny(f, unix.EPERM, machineCalls)
	cloneRules(f)
	allowLow(f, "socketpair", 0, unix.AF_UNIX)
	allowLow(f, "personality", 0, 0, 0xffffffff) // the latter asks which one it is
	denyLow(f, "ioctl", 1, deniedRequests...)
	allow(f, []string{"ioctl"})
	return f
}

func cloneRules(f *specs.LinuxSeccomp) {
	allow(f, []string{"clone"}, specs.LinuxSeccompArg{Index: 0, Value: namespaceFlags, ValueTwo: 0, Op: specs.OpMaskedEqual})
	deny(f, unix.EPERM, []string{"clone"})
}

func deny(f *specs.LinuxSeccomp, errno unix.Errno, names []string, args ...specs.LinuxSeccompArg) {
	ret := uint(errno)
	f.Syscalls = append(f.Syscalls, specs.LinuxSyscall{Names: names, Action: specs.ActErrno, ErrnoRet: &ret, Args: args})
}

func allow(f *specs.LinuxSeccomp, names []string, args ...specs.LinuxSeccompArg) {
	f.Syscalls = append(f.Syscalls, specs.LinuxSyscall{Names: names, Action: specs.ActAllow, Args: args})
}

// low compares what the kernel looks at of an argument that it takes for an int:
// the lower 32 bits.
func low(index uint, value uint64) specs.LinuxSeccompArg {
	return specs.LinuxSeccompArg{Index: index, Value: 0xffffffff, ValueTwo: value, Op: specs.OpMaskedEqual}
}

// allowLow allows a call with some values of an argument only.
func allowLow(f *specs.LinuxSeccomp, name string, index uint, values ...uint64) {
	for _, v := range values {
		allow(f, []string{name}, low(index, v))
	}
	deny(f, unix.EPERM, []string{name})
}

// denyLow denies a call with some values of an argument.
func denyLow(f *specs.LinuxSeccomp, name string, index uint, values ...uint64) {
	for _, v := range values {
		deny(f, unix.EPERM, []string{name}, low(index, v))
	}
}
