package dirs

import (
	"fmt"
	"os"
	"syscall"
)

// MaxSocketPath is the length in bytes of the longest path a socket can have:
// sun_path of unix(7) without its closing NUL.
const MaxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// CheckSocket returns an error if path is too long for a socket. Without the
// check, the kernel says "invalid argument" and nothing else.
func CheckSocket(path string) error {
	if len(path) <= MaxSocketPath {
		return nil
	}
	return fmt.Errorf("cannot use socket %q: its path has %d bytes, unix(7) allows %d; give a shorter one by --socket", path, len(path), MaxSocketPath)
}

func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type() == os.ModeSocket
}

// ownedBy reports whether dir is a directory of uid in which nobody else can
// make a file.
func ownedBy(dir string, uid int) bool {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == uid
}
