package quota

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// place is a file system and where it is mounted.
type place struct {
	kind int64 // statfs(2)'s
	at   string
}

// kinds are the names of file systems, and how to give them project quotas
// where that is possible.
var kinds = map[int64]struct{ name, advice string }{
	unix.EXT4_SUPER_MAGIC:      {"ext4", "give it some by tune2fs -O project,quota while it is not mounted and mount it with prjquota"},
	unix.XFS_SUPER_MAGIC:       {"xfs", "mount it with pquota (for the root: rootflags=pquota in the kernel's command line)"},
	unix.F2FS_SUPER_MAGIC:      {name: "f2fs"},
	unix.BTRFS_SUPER_MAGIC:     {name: "btrfs"},
	unix.TMPFS_MAGIC:           {name: "tmpfs"},
	unix.OVERLAYFS_SUPER_MAGIC: {name: "overlay"},
	unix.NFS_SUPER_MAGIC:       {name: "nfs"},
	0x2fc12fc1:                 {name: "zfs"},
}

// placeOf finds where the file system of a path without links is mounted.
func placeOf(path string, kind int64) (place, error) {
	for {
		root, err := mountRoot(path)
		if err != nil {
			return place{}, err
		}
		if root || path == "/" {
			return place{kind, path}, nil
		}
		path = filepath.Dir(path)
	}
}

// mountRoot reports whether something is mounted on a path.
func mountRoot(path string) (bool, error) {
	var stat unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, 0, &stat)
	return stat.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, err
}

func (p place) String() string {
	name := kinds[p.kind].name
	if name == "" {
		name = fmt.Sprintf("file system %#x", uint32(p.kind))
	}
	return name + " on " + p.at
}

// unavailable says what is to be done to have quotas here. The cause may be nil.
func (p place) unavailable(cause error) error {
	if cause != nil {
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, p, cause)
	}
	advice := kinds[p.kind].advice
	if advice != "" {
		advice = "; " + advice
	}
	return fmt.Errorf("%w: %s enforces no project quotas%s", ErrUnavailable, p, advice)
}
