package executor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// keptDir has the workspaces that somebody wants to look at.
const keptDir = "work/kept"

// maxKept is how many of them there are.
const maxKept = 32

// keepWorkspace moves a directory to where the operator finds it, and returns its path.
func (x *Executor) keepWorkspace(path string, e *entry) (at string, err error) {
	if err := os.MkdirAll(x.path(keptDir), 0o700); err != nil {
		return "", err
	}
	at = x.path(keptDir + "/" + e.Task().String() + "." + fmt.Sprint(e.ID.Number))
	if err := removeTree(at); err != nil { // of another generation
		return "", err
	}
	if err := os.Rename(path, at); err != nil {
		return "", err
	}
	// From here on it is its operator's, and as old as now.
	if err := errors.Join(os.Chmod(at, 0o700), os.Lchown(at, os.Geteuid(), os.Getegid())); err != nil {
		return "", err
	}
	return at, x.thinOut(at)
}

// thinOut removes the oldest of too many, but never latest: where the clock on the
// wall was set back, that looks older than others.
func (x *Executor) thinOut(latest string) error {
	x.keeping.Lock()
	defer x.keeping.Unlock()
	entries, err := os.ReadDir(x.path(keptDir))
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.Name() == filepath.Base(latest) })
	for len(entries) >= maxKept {
		oldest := 0
		for i := range entries {
			if olderThan(entries[i], entries[oldest]) {
				oldest = i
			}
		}
		err = errors.Join(err, removeTree(filepath.Join(x.path(keptDir), entries[oldest].Name())))
		entries = append(entries[:oldest], entries[oldest+1:]...)
	}
	return err
}

// olderThan goes by when a directory was moved, which a task cannot date back.
func olderThan(a, b os.DirEntry) bool { return changed(a) < changed(b) }

func changed(e os.DirEntry) int64 {
	info, err := e.Info()
	if err != nil {
		return 0
	}
	return info.Sys().(*syscall.Stat_t).Ctim.Nano()
}
