package sandbox

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// Versions of landlock(7) that brought something.
const (
	landlockRefer    = 2
	landlockTruncate = 3
	landlockNet      = 4
	landlockDevice   = 5
	landlockScope    = 6
	landlockNewest   = 6 // that we know how to use
)

// Landlock is a second fence around the files of a box, as JSON in an annotation.
// All rights that its version knows are taken; Allow gives some back.
type Landlock struct {
	Version int             `json:"version"`
	Net     bool            `json:"net,omitempty"` // TCP is taken too
	Allow   []LandlockAllow `json:"allow"`
}

// LandlockAllow gives rights to what is at and below a path.
type LandlockAllow struct {
	Path   string `json:"path"`
	Access access `json:"access"`
}

// access is a set of rights, written as words.
type access uint8

const (
	list    access = 1 << iota // directories
	read                       // and files
	write                      // make, change, remove, rename; never make a device
	execute                    // files
	device                     // read and write one
)

var accessNames = []string{"list", "read", "write", "execute", "device"}

func (a access) MarshalText() ([]byte, error) {
	var words []string
	for i, name := range accessNames {
		if a&(1<<i) != 0 {
			words = append(words, name)
		}
	}
	return []byte(strings.Join(words, " ")), nil
}

func (a *access) UnmarshalText(text []byte) error {
	*a = 0
words:
	for word := range strings.FieldsSeq(string(text)) {
		for i, name := range accessNames {
			if word == name {
				*a |= 1 << i
				continue words
			}
		}
		return fmt.Errorf("cannot read access %q", word)
	}
	return nil
}

func newLandlock(version int) *Landlock {
	return &Landlock{Version: min(version, landlockNewest)}
}

func (l *Landlock) allow(a access, paths ...string) {
	for _, p := range paths {
		l.Allow = append(l.Allow, LandlockAllow{p, a})
	}
}

// accessBits are what landlock(7) calls the rights.
var accessBits = [...]uint64{
	unix.LANDLOCK_ACCESS_FS_READ_DIR,
	unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_READ_FILE,
	unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_REFER |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO,
	unix.LANDLOCK_ACCESS_FS_EXECUTE,
	unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV,
}

// handled are all rights to files that a version knows.
func handled(version int) uint64 {
	fs := uint64(unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1)
	for _, later := range []struct {
		version int
		bit     uint64
	}{
		{landlockRefer, unix.LANDLOCK_ACCESS_FS_REFER},
		{landlockTruncate, unix.LANDLOCK_ACCESS_FS_TRUNCATE},
		{landlockDevice, unix.LANDLOCK_ACCESS_FS_IOCTL_DEV},
	} {
		if version >= later.version {
			fs |= later.bit
		}
	}
	return fs
}

// compile is l for the kernel.
func (l *Landlock) compile() plan.Landlock {
	out := plan.Landlock{FS: handled(l.Version)}
	if l.Net && l.Version >= landlockNet {
		out.Net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if l.Version >= landlockScope {
		out.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	for _, allow := range l.Allow {
		rule := plan.Rule{Path: allow.Path}
		for i, bits := range accessBits {
			if allow.Access&(1<<i) != 0 {
				rule.Access |= bits & out.FS
			}
		}
		out.Rules = append(out.Rules, rule)
	}
	return out
}
