package main

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

func (c checks) shadow() string {
	_, err := unix.Open("/etc/shadow", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if c.level >= levelStrict {
		return refused(err, unix.ENOENT)
	}
	return refused(err, unix.EACCES, unix.ENOENT)
}

func (checks) kernelSettings() string {
	for _, path := range []string{"/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger"} {
		_, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if why := refused(err, unix.EACCES, unix.EROFS, unix.ENOENT); why != "" {
			return path + ": " + why
		}
	}
	return ""
}

func (c checks) privateTmp() string {
	for _, dir := range []string{"/tmp", "/dev/shm"} {
		entries, err := os.ReadDir(dir)
		if err != nil && (dir == "/tmp" || c.level < levelVeryStrict) {
			return err.Error()
		}
		if len(entries) > 0 {
			return dir + " has " + entries[0].Name()
		}
		if err == nil {
			if why := mounted(dir, unix.ST_NOSUID|unix.ST_NODEV); why != "" {
				return why
			}
		}
	}
	return ""
}

// mounted finds flags of a mount missing, see statvfs(3).
func mounted(path string, want int64) string {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return path + ": " + err.Error()
	}
	for _, f := range []struct {
		flag int64
		name string
	}{{unix.ST_RDONLY, "read-only"}, {unix.ST_NOSUID, "nosuid"}, {unix.ST_NODEV, "nodev"}, {unix.ST_NOEXEC, "noexec"}} {
		if want&f.flag != 0 && int64(fs.Flags)&f.flag == 0 {
			return path + " is not " + f.name
		}
	}
	return ""
}

// root finds nothing in the root but what belongs into a box.
func (checks) root() string {
	entries, err := os.ReadDir("/")
	if err != nil {
		return err.Error()
	}
	own := strings.Fields(".empty bin dev etc lib lib32 lib64 libx32 proc sbin tmp usr work")
	for _, entry := range entries {
		if !slices.Contains(own, entry.Name()) {
			return "there is /" + entry.Name()
		}
	}
	return first(
		mounted("/", unix.ST_RDONLY|unix.ST_NOSUID|unix.ST_NODEV),
		refused(unix.Mkdir("/canary", 0o700), unix.EROFS),
		refused(unix.Mkdir("/etc/canary", 0o700), unix.EROFS),
		refused(unix.Mkdir("/dev/canary", 0o700), unix.EROFS))
}

func (checks) programs() string {
	return first(
		mounted("/usr/bin", unix.ST_RDONLY|unix.ST_NOSUID|unix.ST_NODEV),
		refused(unix.Mkdir("/usr/bin/canary", 0o700), unix.EROFS))
}

func (checks) devices() string {
	entries, err := os.ReadDir("/dev")
	if err != nil {
		return err.Error()
	}
	for _, entry := range entries {
		if !slices.Contains(strings.Fields("null zero full random urandom fd stdin stdout stderr shm"), entry.Name()) {
			return "there is /dev/" + entry.Name()
		}
	}
	return first(
		mounted("/work", unix.ST_NODEV|unix.ST_NOSUID),
		refused(unix.Mknod("/tmp/canary", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 1))), unix.EPERM, unix.EACCES))
}

func (checks) proc() string {
	for _, path := range []string{"/proc/kallsyms", "/proc/keys", "/proc/interrupts", "/proc/timer_list"} {
		text, err := os.ReadFile(path)
		if err == nil && len(text) > 0 {
			return path + " can be read"
		}
	}
	return first(
		mounted("/proc", unix.ST_RDONLY|unix.ST_NOSUID|unix.ST_NODEV|unix.ST_NOEXEC),
		refused(unix.Access("/proc/1", unix.F_OK), unix.ENOENT))
}

// landlock tries what is forbidden anyway: to make a device. By its errno one
// knows that Landlock, which is asked before capabilities are, was the first.
func (c checks) landlock() string {
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 && c.level < levelVeryStrict {
		return "" // the kernel has none
	}
	return refused(unix.Mknod("/tmp/canary", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))), unix.EACCES)
}

// execute asks for what mount(2) has forbidden.
func (checks) execute() string {
	for _, path := range []string{"/work/canary-program", "/tmp/canary-program"} {
		fd, err := unix.Open(path, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o700)
		if err != nil {
			return err.Error()
		}
		unix.Close(fd)
		err = unix.Access(path, unix.X_OK)
		_ = unix.Unlink(path)
		if why := refused(err, unix.EACCES); why != "" {
			return path + ": " + why
		}
	}
	return ""
}

func (checks) procOnlyProcesses() string {
	return first(
		refused(unix.Access("/proc/sys", unix.F_OK), unix.ENOENT),
		refused(unix.Access("/proc/meminfo", unix.F_OK), unix.ENOENT))
}
