package quota

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	bytesPerInode = 4096
	fewestInodes  = 1024
)

// inodesFor is the limit of inodes that goes with one of bytes.
func inodesFor(bytes int64) uint64 { return max(uint64(bytes)/bytesPerInode, fewestInodes) }

// limits are those for a number of bytes; for 0, there are none. One that is no
// multiple of block is rounded up.
func limits(bytes int64, block uint64) dqblk {
	q := dqblk{Valid: validLimits}
	if bytes > 0 {
		q.BlockHard = (uint64(bytes) + block - 1) / block * block / 1024
		q.InodeHard = inodesFor(bytes)
	}
	return q
}

// full reports whether a further file, or a further inode, would be too many. A file takes
// up to four blocks at once where its directory has to grow as well, and none if it cannot
// have them all; of a small limit that is too much to tell by.
func (q dqblk) full(block uint64) bool {
	limit := q.BlockHard * 1024
	room := max(block, min(4*block, limit/16))
	return q.BlockHard > 0 && q.Space+room > limit || q.InodeHard > 0 && q.Inodes >= q.InodeHard
}

// Bound gives a directory of the disk, open for reading, to a project, and bounds
// the project to a number of bytes and the number of inodes that follows from it
// (see the package comment), the directory's own included. With 0 bytes, and with
// more, it may have nine tenths of the disk. What is in the directory already stays as it is.
func (d *Disk) Bound(dirfd int, project uint32, bytes int64) error {
	if err := d.bound(dirfd, project, bytes); err != nil {
		return fmt.Errorf("cannot bound a directory by project %d: %w", project, err)
	}
	return nil
}

func (d *Disk) bound(dirfd int, project uint32, bytes int64) error {
	if project == 0 {
		return errors.New("all that has no project belongs to it")
	}
	if bytes < 0 {
		return fmt.Errorf("there are no %d bytes", bytes)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(dirfd, &stat); err != nil {
		return err
	}
	if stat.Dev != d.on || stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		return fmt.Errorf("it is no directory below %q", d.dir)
	}
	most, err := d.most()
	if err != nil {
		return err
	}
	if bytes == 0 || bytes > most {
		bytes = most
	}
	if err := d.set(project, limits(bytes, d.block)); err != nil {
		return err
	}
	return setProject(dirfd, project)
}

// most is what a single project may have: what others need to begin with stays.
func (d *Disk) most() (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(d.root, &fs); err != nil {
		return 0, err
	}
	inodes := int64(fs.Files) * bytesPerInode
	return max(bytesPerInode, min(int64(fs.Blocks)*fs.Bsize, inodes)/10*9), nil
}

// Usage is how many bytes a project takes.
func (d *Disk) Usage(project uint32) (bytes int64, err error) {
	q, err := d.get(project)
	return int64(min(q.Space, math.MaxInt64)), err
}

// Full reports whether a project is at its limit: what is left is less than a
// file may need, or there is no inode left.
func (d *Disk) Full(project uint32) (bool, error) {
	q, err := d.get(project)
	return q.full(d.block), err
}

// Release takes the limits from a project whose files are gone.
func (d *Disk) Release(project uint32) error {
	if d.trims != nil {
		d.trims.remind()
	}
	return d.set(project, limits(0, d.block))
}

func (d *Disk) set(project uint32, q dqblk) error {
	if err := quotactl(d.root, setQuota, project, unsafe.Pointer(&q)); err != nil {
		return fmt.Errorf("cannot set the limits of project %d: %w", project, err)
	}
	return nil
}

// get knows nothing about a project that never was, which takes nothing.
func (d *Disk) get(project uint32) (q dqblk, err error) {
	err = quotactl(d.root, getQuota, project, unsafe.Pointer(&q))
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return dqblk{}, fmt.Errorf("cannot get the usage of project %d: %w", project, err)
	}
	return q, nil
}
