package config

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/octaskly/octaskly/internal/units"
)

// Boxes say how commands are isolated on a machine, and how little. An executor
// without root offers no sandbox level but none.
type Boxes struct {
	// AllowNone offers level none: a command runs as RunAs, in no box. Default:
	// false for an executor of root's, else true.
	AllowNone bool `toml:"allow_none"`
	// AllowHostNetwork lets a box of level strict have the machine's network, if
	// its task asks for that. Default: false.
	AllowHostNetwork bool `toml:"allow_host_network"`
	// OctasklyInit is the path of the program that builds boxes from inside.
	// Default: empty, it is found beside octasklyd or where packages put it.
	OctasklyInit string `toml:"octaskly_init"`
	// FirstUID is the first of BoxUIDs user ids in a row, which are the groups'
	// ids as well, that nobody else may have. Default: 1879048192, the first
	// beyond those that systemd gives to containers (systemd.io/UIDS-GIDS).
	FirstUID int64 `toml:"first_uid"`
	// DiskPool is the size in bytes of the image on which workspaces lie where the
	// file system knows no project quotas; 0 for none. Default: "auto" for an
	// executor, and 0 for a worker that has its executor inside: who types that
	// in a terminal expects no mounts.
	DiskPool PoolSize `toml:"disk_pool"`
}

var boxesKeys = []string{"allow_none", "allow_host_network", "octaskly_init", "first_uid", "disk_pool"}

// BoxUIDs is the number of user ids for boxes.
const BoxUIDs = 65536

// By uid 2^32-1 the kernel means none, and by 2^32-2 programs of 16 bits mean
// nobody: see user_namespaces(7) on overflow.
const (
	firstUID    = 0x7000_0000
	maxFirstUID = 1<<32 - 3 - BoxUIDs
)

func newBoxes(allowNone bool, pool PoolSize) Boxes {
	return Boxes{AllowNone: allowNone, FirstUID: firstUID, DiskPool: pool}
}

func (b *Boxes) check(l *loader) {
	l.optionalPath("octaskly_init", &b.OctasklyInit)
	if filepath.IsAbs(b.OctasklyInit) {
		l.require("octaskly_init", executable(b.OctasklyInit))
	}
	err := within(count(b.FirstUID), BoxUIDs, maxFirstUID)
	if err == nil && here.uid == 0 {
		err = here.free(b.FirstUID, BoxUIDs)
	}
	l.require("first_uid", err)
	l.require("disk_pool", b.DiskPool.check())
}

func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("cannot use %q: %w", path, cause(err))
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return fmt.Errorf("cannot use %q: it is no program", path)
	}
	return nil
}

// PoolSize is the size of a disk pool in bytes, or PoolAuto. It is a string as
// units.Size has it, or "auto".
type PoolSize units.Size

// PoolAuto leaves the size to the executor.
const PoolAuto PoolSize = -1

const auto = "auto"

// Bounds of a pool: with less there is no room for a task, and ext4 has files of
// at most 16 TiB.
const (
	minPool = 64 * units.MiB
	maxPool = 16 * units.TiB
)

func (p PoolSize) check() error {
	if p == 0 || p == PoolAuto {
		return nil
	}
	if err := within(units.Size(p), minPool, maxPool); err != nil {
		return fmt.Errorf("%w; 0 is no pool", err)
	}
	return nil
}

// MarshalText returns "auto" or a size.
func (p PoolSize) MarshalText() ([]byte, error) {
	if p == PoolAuto {
		return []byte(auto), nil
	}
	return units.Size(p).MarshalText()
}

// UnmarshalText reads what MarshalText writes.
func (p *PoolSize) UnmarshalText(text []byte) error {
	if string(text) == auto {
		*p = PoolAuto
		return nil
	}
	size, err := units.ParseSize(string(text))
	if err != nil {
		return fmt.Errorf(`%w; or "auto"`, err)
	}
	*p = PoolSize(size)
	return nil
}
