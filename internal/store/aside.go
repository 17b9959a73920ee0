package store

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxAside is how many damaged databases are kept.
const maxAside = 3

// aside is the name of a damaged database.
func aside(path string, at time.Time) string {
	return path + ".damaged-" + at.UTC().Format("20060102T150405Z")
}

// settle puts a database that was salvaged in the place of the damaged one. It
// begins anew where a crash has ended it.
func settle(path string, log *slog.Logger) error {
	info, err := os.Stat(ready(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	to := aside(path, info.ModTime())
	for _, suffix := range []string{"-wal", ""} {
		if err := os.Rename(path+suffix, to+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := remove(path + "-shm"); err != nil {
		return err
	}
	if err := syncFile(filepath.Dir(path)); err != nil { // its log must not be there when the new one is
		return err
	}
	if err := os.Rename(ready(path), path); err != nil {
		return err
	}
	forgetOld(path, log)
	return syncFile(filepath.Dir(path))
}

// forgetOld removes all but the latest damaged databases.
func forgetOld(path string, log *slog.Logger) {
	all, err := damaged(path)
	if err != nil {
		log.Warn("Cannot look for old damaged databases", "error", err)
	}
	for _, old := range all[:max(len(all)-maxAside, 0)] {
		log.Warn("An old damaged database is removed", "file", old)
		if err := removeDatabase(old); err != nil {
			log.Warn("Cannot remove an old damaged database", "error", err)
		}
	}
}

// damaged lists the damaged databases that are kept, the oldest first.
func damaged(path string) (all []string, err error) {
	entries, err := os.ReadDir(filepath.Dir(path)) // sorted, and so are the times in the names
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, filepath.Base(path)+".damaged-") && strings.HasSuffix(name, "Z") {
			all = append(all, filepath.Join(filepath.Dir(path), name))
		}
	}
	return all, err
}

// removeDatabase removes a database with what SQLite may have put beside it.
func removeDatabase(path string) error {
	var errs []error
	for _, suffix := range []string{"-wal", "-shm", "-journal", ""} {
		errs = append(errs, remove(path+suffix))
	}
	return errors.Join(errs...)
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncFile makes a file durable, or the names in a directory.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
