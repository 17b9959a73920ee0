package main

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// place is the root that is furnished: a new one by its descriptor, or the one
// that we are in.
type place struct {
	fd    int
	fresh bool // what is missing is made
}

// at returns how a path of the box is called from fd.
func (p place) at(target string) string {
	if p.fd == unix.AT_FDCWD {
		return target
	}
	return strings.TrimLeft(target, "/")
}

// mountAll takes the given mounts in order.
func mountAll(p place, ops []plan.Op, given []int) error {
	for _, op := range ops {
		fd := -1
		if op.Kind == plan.Given {
			if len(given) == 0 {
				return fail(plan.StepPlan, "a descriptor is missing", unix.EBADF)
			}
			fd, given = given[0], given[1:]
		}
		if err := p.do(op, fd); err != nil {
			return fail(plan.StepMount, op.Target, err)
		}
	}
	if len(given) > 0 {
		return fail(plan.StepPlan, "too many descriptors", unix.EBADF)
	}
	return nil
}

func (p place) do(op plan.Op, given int) (err error) {
	switch op.Kind {
	case plan.File:
		return p.file(op)
	case plan.Link:
		return p.link(op)
	case plan.Mask:
		return p.mask(op.Target)
	case plan.Tmpfs:
		given, err = newMount("tmpfs", op.Source, op.Attr)
	case plan.Proc:
		given, err = newMount("proc", op.Source, op.Attr)
	case plan.Bind:
		given, err = unix.OpenTree(unix.AT_FDCWD, op.Source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	}
	if err != nil {
		return err
	}
	defer unix.Close(given)
	if op.Kind == plan.Bind || op.Kind == plan.Given {
		attr := unix.MountAttr{Attr_set: uint64(op.Attr), Propagation: unix.MS_PRIVATE}
		if err := unix.MountSetattr(given, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
			return err
		}
	}
	return p.put(given, op.Target)
}

// put attaches a mount, at a directory or file of its own where there is none.
func (p place) put(mount int, target string) error {
	name := p.at(target)
	if p.fresh {
		var info unix.Stat_t
		if err := unix.Fstat(mount, &info); err != nil {
			return err
		}
		if err := p.make(name, info.Mode&unix.S_IFMT == unix.S_IFDIR); err != nil {
			return err
		}
	}
	return unix.MoveMount(mount, "", p.fd, name, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// make makes a mount point unless it is there.
func (p place) make(name string, dir bool) error {
	if err := p.makeParents(name); err != nil {
		return err
	}
	if dir {
		return present(unix.Mkdirat(p.fd, name, 0o755))
	}
	fd, err := unix.Openat(p.fd, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o444)
	if err == nil {
		return unix.Close(fd)
	}
	return present(err)
}

func (p place) makeParents(name string) error {
	for i := 1; i < len(name); i++ {
		if name[i] == '/' {
			if err := present(unix.Mkdirat(p.fd, name[:i], 0o755)); err != nil {
				return err
			}
		}
	}
	return nil
}

// present is err, but for what was there before.
func present(err error) error {
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

func (p place) file(op plan.Op) error {
	name := p.at(op.Target)
	if err := p.makeParents(name); err != nil {
		return err
	}
	fd, err := unix.Openat(p.fd, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o444)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	n, err := unix.Write(fd, []byte(op.Source))
	if err == nil && n < len(op.Source) {
		err = unix.ENOSPC
	}
	return err
}

func (p place) link(op plan.Op) error {
	name := p.at(op.Target)
	if err := p.makeParents(name); err != nil {
		return err
	}
	return unix.Symlinkat(op.Source, p.fd, name)
}

// emptyDir is what covers directories: one of the new root's own.
const emptyDir = ".empty"

// mask covers a file with /dev/null and a directory with an empty one. Nobody but
// the machine has had a hand in /dev so far.
func (p place) mask(target string) error {
	var info unix.Stat_t
	err := unix.Fstatat(p.fd, p.at(target), &info, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	cover, err := p.cover(info.Mode&unix.S_IFMT == unix.S_IFDIR)
	if err != nil {
		return err
	}
	defer unix.Close(cover)
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC}
	if err := unix.MountSetattr(cover, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		return err
	}
	return unix.MoveMount(cover, "", p.fd, p.at(target), unix.MOVE_MOUNT_F_EMPTY_PATH)
}

func (p place) cover(dir bool) (mount int, err error) {
	if !dir {
		return unix.OpenTree(unix.AT_FDCWD, "/dev/null", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	}
	if err := present(unix.Mkdirat(p.fd, emptyDir, 0o555)); err != nil {
		return -1, err
	}
	return unix.OpenTree(p.fd, emptyDir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
}

// newMount makes a file system and a mount of it that is nowhere yet, see
// fsopen(2). Options are as in mount(8).
func newMount(kind, options string, attr uint32) (int, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fs)
	for option := range strings.SplitSeq(options, ",") {
		if option == "" {
			continue
		}
		key, value, _ := strings.Cut(option, "=")
		if err := unix.FsconfigSetString(fs, key, value); err != nil {
			return -1, err
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, int(attr))
}
