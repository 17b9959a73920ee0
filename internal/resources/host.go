package resources

import "golang.org/x/sys/unix"

// TotalMemory is the memory of this machine in bytes, or 0 where it cannot be
// known.
func TotalMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}
