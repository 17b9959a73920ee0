package client

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// growth is what contexts may become longer by a change, in bytes: all that one of
// them may have, and some more.
const growth = maxCA + 4*maxToken

// draft is what is to replace a file as a whole, or not at all. It is on disk,
// with room for what it will have, before anybody knows what that is.
type draft struct {
	*os.File
	path string // of what it replaces
	room int64
}

// draft makes room for the next contents of the file.
func (f *ContextFile) draft() (*draft, error) {
	path, err := filepath.EvalSymlinks(f.Path) // a link to a file elsewhere stays one
	if err != nil {
		path = f.Path
	}
	room := int64(growth)
	if info, err := os.Stat(path); err == nil {
		room += info.Size()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".contexts-*") // 0600
	if err != nil {
		return nil, err
	}
	d := &draft{file, path, room}
	if _, err = d.Write(make([]byte, room)); err == nil {
		err = d.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// commit puts data in the place of the file.
func (d *draft) commit(data []byte) error {
	_, err := d.WriteAt(data, 0)
	if err == nil {
		err = d.Truncate(int64(len(data)))
	}
	if err == nil {
		err = d.Sync()
	}
	if err == nil {
		err = os.Rename(d.Name(), d.path)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(d.path))
}

// Close removes what was not committed.
func (d *draft) Close() error {
	err := d.File.Close()
	if gone := os.Remove(d.Name()); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
