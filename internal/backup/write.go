package backup

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/store"
)

// Manifest is what a backup says of itself.
type Manifest struct {
	Format    int       `json:"format"`
	CreatedAt time.Time `json:"created_at"`
	Program   string    `json:"program"` // version of octaskly that wrote it
}

const (
	format   = 1
	first    = "octaskly-backup"
	last     = "octaskly-backup.end"
	database = "octaskly.db"

	// Authority is the file of the fleet's own, whose key is sealed by the fleet key.
	Authority = "authority.pem"
)

// Summary is what went into a backup, or came out of one.
type Summary struct {
	Database int64 // bytes
	Files    int   // inputs and outputs
	Size     int64 // bytes of these
	At       time.Time

	Logins, Tokens int64 // of then that go on, out of one
}

// Write makes a backup of a state directory. The file must not be there yet; it
// has its name when it is whole and on disk.
func Write(ctx context.Context, stateDir, file, program string) (*Summary, error) {
	s, err := write(ctx, stateDir, file, program)
	if err != nil {
		return nil, fmt.Errorf("cannot back up %q: %w", stateDir, err)
	}
	return s, nil
}

func write(ctx context.Context, stateDir, file, program string) (*Summary, error) {
	if _, err := os.Lstat(file); err == nil {
		return nil, fmt.Errorf("%q is there already; give it another name", file)
	}
	dir := filepath.Dir(file)
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("cannot write %q: %w", file, err)
	}
	copied, err := os.CreateTemp(dir, ".octaskly-*.db") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(copied.Name())
	defer copied.Close()
	archive, err := os.CreateTemp(dir, ".octaskly-*.tar")
	if err != nil {
		return nil, err
	}
	defer os.Remove(archive.Name()) // fails when it has its name
	defer archive.Close()
	if err := store.Backup(ctx, filepath.Join(stateDir, database), copied.Name()); err != nil {
		return nil, err
	}
	w := &writer{ctx: ctx, tar: tar.NewWriter(archive), summary: Summary{At: time.Now().UTC().Truncate(time.Second)}}
	if err := w.all(stateDir, copied.Name(), program); err != nil {
		return nil, err
	}
	if err := archive.Sync(); err != nil {
		return nil, err
	}
	if err := publish(archive.Name(), file); err != nil {
		return nil, err
	}
	return &w.summary, nil
}

// publish gives a file its name, durably, unless another has it by now.
func publish(temp, file string) error {
	err := unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, file, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) { // not every file system has that
		err = os.Rename(temp, file)
	}
	if err != nil {
		return fmt.Errorf("cannot call it %q: %w", file, err)
	}
	return syncDir(filepath.Dir(file))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// writer writes the members.
type writer struct {
	ctx     context.Context
	tar     *tar.Writer
	summary Summary
}

func (w *writer) all(stateDir, copied, program string) error {
	manifest, err := json.Marshal(Manifest{Format: format, CreatedAt: w.summary.At, Program: program})
	if err != nil {
		return err
	}
	if err := w.text(first, manifest); err != nil {
		return err
	}
	if w.summary.Database, err = w.file(copied, database); err != nil {
		return err
	}
	if _, err := w.file(filepath.Join(stateDir, Authority), Authority); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, tree := range trees {
		if err := w.tree(stateDir, tree); err != nil {
			return err
		}
	}
	if err := w.text(last, nil); err != nil {
		return err
	}
	return w.tar.Close()
}

// tree writes the files below a directory.
func (w *writer) tree(stateDir, tree string) error {
	return filepath.WalkDir(filepath.Join(stateDir, tree), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(stateDir, path)
		if err != nil || !isFile(name) {
			return err // an upload in its midst, or not ours
		}
		n, err := w.file(path, filepath.ToSlash(name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		w.summary.Files++
		w.summary.Size += n
		return err
	})
}

// file writes a member with what a file has now. It may grow meanwhile.
func (w *writer) file(path, name string) (size int64, err error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err := w.tar.WriteHeader(header(name, info.Size(), info.ModTime())); err != nil {
		return 0, err
	}
	if _, err := io.CopyN(w.tar, f, info.Size()); err != nil {
		return 0, fmt.Errorf("cannot read %q: %w", path, err)
	}
	return info.Size(), nil
}

func (w *writer) text(name string, data []byte) error {
	if err := w.tar.WriteHeader(header(name, int64(len(data)), w.summary.At)); err != nil {
		return err
	}
	_, err := w.tar.Write(data)
	return err
}

func header(name string, size int64, at time.Time) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at.Truncate(time.Second), Format: tar.FormatPAX}
}
