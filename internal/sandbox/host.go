package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Host is what a box depends on and differs from machine to machine.
type Host struct {
	// Landlock is the version of landlock(7) that the kernel has; 0: none.
	Landlock int
	// Root says what of /bin, /lib and the like there is, by name: a symbolic link's
	// text, or nothing for a directory.
	Root map[string]string
	// Etc are the files and directories of /etc that boxes show.
	Etc []string
	// Lib are those directories below /usr that hold programs' libraries.
	Lib []string
	// Resolver are the files that say how to find other machines.
	Resolver []string
	// OpenFiles is the most that a process may have open here, and so a box without
	// a limit of its own.
	OpenFiles uint64
	// Common are directories where everybody may leave or tell something.
	Common []string
}

// commonNames are to be each box's own: what is left in /run/lock outlives a task,
// and what the journal is told there looks like the executor's word.
var commonNames = []string{"/run/lock", "/run/systemd/journal"}

// rootNames are what may stand beside /usr, as a link into it or by itself.
var rootNames = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"}

// etcPatterns are configuration of programs and nobody's secret: where libraries
// are, which alternative is chosen, what time it is, whom TLS trusts.
var etcPatterns = []string{
	"ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "timezone", "os-release",
	"ssl", "pki/tls", "pki/ca-trust", "crypto-policies", "ca-certificates",
	"java-*-openjdk", "java", "perl", "python3*", "fonts", "magic", "mime.types", "services", "protocols", "inputrc", "terminfo",
}

// Probe looks at the machine.
func Probe() (Host, error) {
	h := Host{Landlock: landlockVersion(), Root: map[string]string{}}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return Host{}, err
	}
	h.OpenFiles = files.Max
	for _, name := range rootNames {
		text, err := os.Readlink("/" + name)
		if err != nil {
			if info, statErr := os.Stat("/" + name); statErr != nil || !info.IsDir() {
				continue
			}
		}
		h.Root[name] = text
	}
	for _, pattern := range etcPatterns {
		found, err := filepath.Glob("/etc/" + pattern)
		if err != nil {
			return Host{}, err
		}
		h.Etc = append(h.Etc, slices.DeleteFunc(found, missing)...)
	}
	lib, err := filepath.Glob("/usr/lib*")
	if err != nil {
		return Host{}, err
	}
	h.Lib = slices.DeleteFunc(lib, func(p string) bool {
		return strings.HasPrefix(filepath.Base(p), "libexec") || missing(p)
	})
	h.Common = slices.DeleteFunc(slices.Clone(commonNames), missing)
	h.Resolver = slices.DeleteFunc([]string{"/etc/hosts", "/etc/resolv.conf"}, missing)
	slices.Sort(h.Etc)
	h.Etc = slices.Compact(h.Etc)
	return h, nil
}

func missing(path string) bool { _, err := os.Stat(path); return err != nil }

// landlockVersion asks as landlock_create_ruleset(2) says.
func landlockVersion() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// rootEntries returns Root in a fixed order.
func (h *Host) rootEntries() (links, dirs []string) {
	for _, name := range rootNames {
		text, ok := h.Root[name]
		switch {
		case !ok:
		case text == "":
			dirs = append(dirs, name)
		default:
			links = append(links, name)
		}
	}
	return links, dirs
}
