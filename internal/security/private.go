package security

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ReadPrivate returns what is in the file at path, up to limit bytes. It refuses a file
// that others than its owner may use, except for a credential of systemd.exec(5), which
// belongs to root and lets the service read it through its group bits. The error does not name the
// file; it is fs.ErrNotExist if there is none.
func ReadPrivate(path string, limit int64) ([]byte, error) {
	// Without O_NONBLOCK, opening a FIFO would wait for its writer.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, withoutPath(err)
	}
	if err := checkPrivate(path, info.Mode()); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, withoutPath(err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("it is larger than %d bytes, so it is none", limit)
	}
	return text, nil
}

// WritePrivate writes the file at path durably, mode 0600, in place of what was there, whose owner it
// keeps: it has its name when it is whole and on disk.
func WritePrivate(path string, text []byte) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".octaskly-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails when it has its name
	_, err = temp.Write(text)
	if err := errors.Join(err, keepOwner(temp, path), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// WithLock does what changes files in dir while nobody else does so.
func WithLock(dir string, do func() error) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		if err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("cannot lock %q: %w", dir, err)
	}
	return do()
}

// keepOwner is for root, whose tools change files of services.
func keepOwner(file *os.File, path string) error {
	var was syscall.Stat_t
	if os.Geteuid() != 0 || syscall.Lstat(path, &was) != nil {
		return nil
	}
	return file.Chown(int(was.Uid), int(was.Gid))
}

func checkPrivate(path string, mode fs.FileMode) error {
	if !mode.IsRegular() {
		return errors.New("it is not a regular file")
	}
	forbidden := fs.FileMode(0o077)
	if isCredential(path) {
		forbidden = 0o037
	}
	if mode&forbidden != 0 {
		return fmt.Errorf("others may use it (mode %04o): chmod 600 %s", mode.Perm(), path)
	}
	return nil
}

func isCredential(path string) bool {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	abs, err := filepath.Abs(path)
	return err == nil && filepath.IsAbs(dir) && strings.HasPrefix(abs, filepath.Clean(dir)+"/")
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// withoutPath is for errors that will name the path themselves.
func withoutPath(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
