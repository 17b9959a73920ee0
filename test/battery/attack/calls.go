package main

import (
	"math"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sys is a system call with arguments that it may take as they are.
func sys(what string, nr uintptr, args ...uintptr) trial {
	return trial{what, func() error {
		var a [6]uintptr
		copy(a[:], args)
		_, _, errno := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
		if errno != 0 {
			return errno
		}
		return nil
	}}
}

// text is a string that lives as long as the program does.
func text(s string) uintptr {
	b := append([]byte(s), 0)
	kept = append(kept, b)
	return uintptr(unsafe.Pointer(&b[0]))
}

// block is n bytes of zeroes, likewise.
func block(n int) uintptr {
	b := make([]byte, n)
	kept = append(kept, b)
	return uintptr(unsafe.Pointer(&b[0]))
}

var kept [][]byte

const (
	here      = ^uintptr(99) // AT_FDCWD
	none      = ^uintptr(0)
	setXattr  = 0x401c5820 // FS_IOC_FSSETXATTR, ioctl_fs(2)
	setFlags  = unix.FS_IOC_SETFLAGS
	fileAttr  = 469 // file_setattr(2)
	x32       = 0x40000000
	memSecret = 447
)

func fixed(trials ...trial) func([]string) []trial {
	return func([]string) []trial { return trials }
}

func boxedOnly(trials ...trial) func([]string) []trial {
	return func([]string) []trial { return boxed(trials...) }
}

var calls = table{
	"mount": boxedOnly(
		sys("mount", unix.SYS_MOUNT, text("x"), text("/tmp"), text("tmpfs"), 0, 0),
		sys("remount", unix.SYS_MOUNT, 0, text("/"), 0, unix.MS_REMOUNT|unix.MS_BIND, 0),
		sys("umount", unix.SYS_UMOUNT2, text("/tmp"), unix.MNT_DETACH),
		sys("fsopen", unix.SYS_FSOPEN, text("tmpfs"), 0),
		sys("fspick", unix.SYS_FSPICK, here, text("/"), 0),
		sys("open_tree", unix.SYS_OPEN_TREE, here, text("/"), 1),
		sys("move_mount", unix.SYS_MOVE_MOUNT, here, text("/tmp"), here, text("/work"), 0),
		sys("mount_setattr", unix.SYS_MOUNT_SETATTR, here, text("/"), 0, block(32), 32),
		sys("fsmount", unix.SYS_FSMOUNT, 0, 0, 0)),
	"root": boxedOnly(
		sys("pivot_root", unix.SYS_PIVOT_ROOT, text("."), text(".")),
		sys("chroot", unix.SYS_CHROOT, text("/tmp"))),
	"namespaces": fixed(
		sys("unshare user", unix.SYS_UNSHARE, unix.CLONE_NEWUSER),
		sys("unshare mounts", unix.SYS_UNSHARE, unix.CLONE_NEWNS),
		sys("unshare network", unix.SYS_UNSHARE, unix.CLONE_NEWNET),
		sys("clone3", unix.SYS_CLONE3, 0, 0),
		trial{"setns", func() error { return enter("/proc/self/ns/mnt") }},
		trial{"setns user", func() error { return enter("/proc/self/ns/user") }}),
	"become-root": fixed(
		sys("setuid", unix.SYS_SETUID, 0), sys("setgid", unix.SYS_SETGID, 0), sys("setresuid", unix.SYS_SETRESUID, 0, 0, 0),
		sys("setreuid", unix.SYS_SETREUID, none, 0), sys("setgroups", unix.SYS_SETGROUPS, 1, block(4)),
		sys("capset", unix.SYS_CAPSET, header(), full()),
		sys("securebits", unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, 0),
		sys("keep capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_SYS_ADMIN)),
	"terminal": fixed(
		sys("TIOCSTI", unix.SYS_IOCTL, 0, unix.TIOCSTI, text("x")), sys("TIOCSTI, high bits", unix.SYS_IOCTL, 0, unix.TIOCSTI|1<<32, text("x")),
		sys("TIOCLINUX", unix.SYS_IOCTL, 0, unix.TIOCLINUX, text("\x03")), sys("TIOCLINUX, high bits", unix.SYS_IOCTL, 0, unix.TIOCLINUX|1<<63, text("\x03")),
		sys("TIOCSETD", unix.SYS_IOCTL, 0, unix.TIOCSETD, block(4))),
	"kernel": boxedOnly(
		sys("bpf", unix.SYS_BPF, unix.BPF_MAP_CREATE, block(128), 128), sys("perf_event_open", unix.SYS_PERF_EVENT_OPEN, block(128), 0, none, none, 0),
		sys("userfaultfd", unix.SYS_USERFAULTFD, 0), sys("kexec_load", unix.SYS_KEXEC_LOAD, 0, 0, 0, 0), sys("kexec_file_load", unix.SYS_KEXEC_FILE_LOAD, none, none, 0, 0, 0),
		sys("init_module", unix.SYS_INIT_MODULE, block(64), 64, text("")), sys("finit_module", unix.SYS_FINIT_MODULE, 0, text(""), 0),
		sys("delete_module", unix.SYS_DELETE_MODULE, text("loop"), unix.O_NONBLOCK)),
	"io-uring": fixed(sys("setup", unix.SYS_IO_URING_SETUP, 1, block(128)), sys("enter", unix.SYS_IO_URING_ENTER, none, 0, 0, 0), sys("register", unix.SYS_IO_URING_REGISTER, none, 0, 0, 0)),
	"reboot":   boxedOnly(sys("reboot", unix.SYS_REBOOT, unix.LINUX_REBOOT_MAGIC1, unix.LINUX_REBOOT_MAGIC2, unix.LINUX_REBOOT_CMD_CAD_OFF)),
	"clock": boxedOnly(
		sys("clock_settime", unix.SYS_CLOCK_SETTIME, unix.CLOCK_REALTIME, block(16)), sys("settimeofday", unix.SYS_SETTIMEOFDAY, block(16), 0),
		trial{"adjtimex", func() error { _, err := unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_SETOFFSET}); return err }}),
	"administer": boxedOnly(
		sys("sethostname", unix.SYS_SETHOSTNAME, text("x"), 1), sys("setdomainname", unix.SYS_SETDOMAINNAME, text("x"), 1), sys("swapon", unix.SYS_SWAPON, text("/tmp"), 0),
		sys("swapoff", unix.SYS_SWAPOFF, text("/tmp")), sys("acct", unix.SYS_ACCT, text("/tmp/a")), sys("syslog clear", unix.SYS_SYSLOG, 5, 0, 0),
		sys("quotactl", unix.SYS_QUOTACTL, 0x800001, 0), sys("vhangup", unix.SYS_VHANGUP)),
	"nodes": fixed(
		sys("memory", unix.SYS_MKNODAT, here, text("mem"), unix.S_IFCHR|0o666, uintptr(unix.Mkdev(1, 1))),
		sys("disk", unix.SYS_MKNODAT, here, text("disk"), unix.S_IFBLK|0o666, uintptr(unix.Mkdev(254, 0)))),
	"ports":         fixed(sys("ioperm", unix.SYS_IOPERM, 0x70, 1, 1), sys("iopl", unix.SYS_IOPL, 3)),
	"ldt":           fixed(sys("modify_ldt", unix.SYS_MODIFY_LDT, 0, block(64), 64)),
	"personality":   fixed(sys("no random addresses", unix.SYS_PERSONALITY, 0x0040000), sys("read implies execute", unix.SYS_PERSONALITY, 0x0400000)),
	"x32":           fixed(sys("getpid", x32|39), sys("read", x32, none, 0, 0), sys("mount", x32|165, 0, 0, 0)),
	"secret-memory": fixed(sys("memfd_secret", memSecret, 0)),
	"handles": fixed(
		sys("name_to_handle_at", unix.SYS_NAME_TO_HANDLE_AT, here, text("/"), block(256), block(8), 0),
		sys("open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, 0, handle(), unix.O_RDONLY)),
	"quota": fixed(
		onFile("FSSETXATTR", setXattr), onFile("FSSETXATTR, high bits", setXattr|1<<40), onFile("SETFLAGS", setFlags), onFile("SETFLAGS, high bits", setFlags|1<<33),
		sys("file_setattr", fileAttr, here, text("."), block(64), 64, 0)),
	// A directory of another project, whose files belong to that one.
	"project": func([]string) []trial {
		return []trial{{"a directory of no project", func() error {
			if err := unix.Mkdir("d", 0o700); err != nil {
				return err
			}
			fd, err := unix.Open("d", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return sys("FSSETXATTR", unix.SYS_IOCTL, uintptr(fd), setXattr, attr(0)).try()
		}}}
	},
	"keyrings": fixed(
		sys("add_key", unix.SYS_ADD_KEY, text("user"), text("x"), text("y"), 1, ^uintptr(3)), sys("request_key", unix.SYS_REQUEST_KEY, text("user"), text("x"), 0, ^uintptr(3)),
		sys("keyctl", unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, ^uintptr(3), 1)),
	"priority": fixed(
		sys("setpriority", unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, ^uintptr(19)), sys("FIFO", unix.SYS_SCHED_SETSCHEDULER, 0, 1, priority(50)),
		sys("deadline", unix.SYS_SCHED_SETATTR, 0, deadline(), 0), sys("ioprio", unix.SYS_IOPRIO_SET, 1, 0, 1<<13)),
	"limits": fixed(
		raise(unix.RLIMIT_NOFILE), raise(unix.RLIMIT_CORE), raise(unix.RLIMIT_NPROC), raise(unix.RLIMIT_MEMLOCK), raise(unix.RLIMIT_MSGQUEUE),
		trial{"of process 1", func() error { return unix.Prlimit(1, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1, Max: 1}, nil) }}),
	"system-v": fixed(
		sys("shmget", unix.SYS_SHMGET, 0, 4096, 0o600), sys("semget", unix.SYS_SEMGET, 0, 1, 0o600), sys("msgget", unix.SYS_MSGGET, 0, 0o600)),
	"mqueue": fixed(sys("mq_open", unix.SYS_MQ_OPEN, text("x"), unix.O_CREAT|unix.O_RDWR, 0o600, 0)),
	"watch": fixed(
		sys("fanotify", unix.SYS_FANOTIFY_INIT, 0, 0), sys("inotify", unix.SYS_INOTIFY_INIT1, 0),
		trial{"inotify /usr/bin", func() error {
			fd, err := unix.InotifyInit()
			if err == nil {
				_, err = unix.InotifyAddWatch(fd, "/usr/bin", unix.IN_OPEN)
			}
			return err
		}}),
	// What the levels ask for at the same time has to fit into fs.aio-max-nr, 65536.
	"aio": fixed(sys("io_setup", unix.SYS_IO_SETUP, 20000, block(8))),
}

func enter(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return unix.Setns(fd, 0)
}

func header() uintptr {
	h := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	headers = append(headers, h)
	return uintptr(unsafe.Pointer(h))
}

var headers []*unix.CapUserHeader

func full() uintptr {
	p := block(24)
	b := kept[len(kept)-1]
	for i := range b {
		b[i] = 0xff
	}
	return p
}

// handle is of the root directory of an ext4 file system: inode 2, as in the
// exploit that is known as Shocker.
func handle() uintptr {
	p := block(64)
	b := kept[len(kept)-1]
	b[0], b[4], b[8] = 8, 1, 2
	return p
}

func priority(n byte) uintptr {
	p := block(4)
	kept[len(kept)-1][0] = n
	return p
}

// deadline asks for 1 ms of every 10, see sched_setattr(2).
func deadline() uintptr {
	p := block(48)
	attr := (*unix.SchedAttr)(unsafe.Pointer(&kept[len(kept)-1][0]))
	attr.Size, attr.Policy, attr.Runtime, attr.Deadline, attr.Period = 48, unix.SCHED_DEADLINE, 1e6, 1e7, 1e7
	return p
}

func raise(resource int) trial {
	return trial{"raise a limit", func() error {
		const most = math.MaxInt64
		return unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most})
	}}
}

// onFile makes an ioctl(2) of a file in the workspace.
func onFile(what string, request uintptr) trial {
	return trial{what, func() error {
		f, err := os.CreateTemp(".", "quota")
		if err != nil {
			return err
		}
		defer os.Remove(f.Name())
		defer f.Close()
		if request&0xffffffff == setXattr {
			return sys(what, unix.SYS_IOCTL, f.Fd(), request, attr(7)).try()
		}
		return sys(what, unix.SYS_IOCTL, f.Fd(), request, block(8)).try()
	}}
}

// attr is struct fsxattr with a project.
func attr(project byte) uintptr {
	p := block(28)
	kept[len(kept)-1][12] = project
	return p
}
