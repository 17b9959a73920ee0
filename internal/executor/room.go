package executor

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// room is the disk of a box: its workspace and its /tmp, for one task.
type room struct {
	x       *Executor
	path    string
	project uint32 // of its quota, and the task's user
}

func (r *room) work() string { return r.path + "/work" }
func (r *room) tmp() string  { return r.path + "/tmp" }

// makeRoom makes both directories for a user that has nothing else, with room for
// bytes; 0 is no limit.
func (x *Executor) makeRoom(name string, uid uint32, bytes int64) (*room, error) {
	r := &room{x: x, path: x.path("work/" + name), project: uid}
	err := os.Mkdir(r.path, 0o711)
	if err == nil {
		err = x.bound(r.path, uid, bytes)
	}
	for _, dir := range []string{r.work(), r.tmp()} {
		if err == nil {
			err = os.Mkdir(dir, 0o700)
		}
		if err == nil {
			err = os.Lchown(dir, int(uid), int(uid))
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot make a workspace: %w", err), r.remove())
	}
	return r, nil
}

// bound gives a directory a quota, if there are quotas here.
func (x *Executor) bound(path string, project uint32, bytes int64) error {
	if x.disk == nil {
		if bytes > 0 {
			return errors.New("there are no quotas here")
		}
		return nil
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return x.disk.Bound(fd, project, bytes)
}

// remove removes what the task has left, however it is made.
func (r *room) remove() error {
	err := removeTree(r.path)
	if r.x.disk != nil {
		err = errors.Join(err, r.x.disk.Release(r.project))
	}
	return err
}
