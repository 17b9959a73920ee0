package dispatcher

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// maxUploads bounds, in bytes, the names of those who have uploaded one input: beyond
// that the first ones are forgotten, and upload it once more.
const maxUploads = 256 << 10

// uploadsOf is the file that says who has uploaded a blob: a quoted name on each line.
func (b *blobs) uploadsOf(hash octaskly.Blob) string { return filepath.Join(b.uploads, string(hash)) }

func uploadLine(owner string) []byte { return []byte(strconv.Quote(owner) + "\n") }

func hasLine(lines, line []byte) bool {
	return bytes.HasPrefix(lines, line) || bytes.Contains(lines, append([]byte{'\n'}, line...))
}

// uploaded reports whether an owner has uploaded a blob.
func (b *blobs) uploaded(hash octaskly.Blob, owner string) (bool, error) {
	lines, err := os.ReadFile(b.uploadsOf(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return hasLine(lines, uploadLine(owner)), err
}

// note says on disk that an owner has uploaded a blob.
func (b *blobs) note(hash octaskly.Blob, owner string) error {
	b.noting.Lock()
	defer b.noting.Unlock()
	path, line := b.uploadsOf(hash), uploadLine(owner)
	lines, err := os.ReadFile(path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case hasLine(lines, line):
		return nil
	case len(lines)+len(line) > maxUploads:
		lines = lines[bytes.IndexByte(lines[len(lines)/2:], '\n')+len(lines)/2+1:]
	}
	unfinished := path + ".new"
	if err := writeSynced(unfinished, append(lines, line...)); err != nil {
		return err
	}
	if err := os.Rename(unfinished, path); err != nil {
		return err
	}
	return syncDir(b.uploads)
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// mayRead reports whether an owner may name a blob: he has uploaded it, or a job of his
// reads it.
func (d *Dispatcher) mayRead(ctx context.Context, owner string, hash octaskly.Blob) (bool, error) {
	if _, err := d.blobs.path(hash); err != nil {
		return false, nil
	}
	if his, err := d.blobs.uploaded(hash, owner); his || err != nil {
		return his, err
	}
	return d.store.Reads(ctx, owner, hash)
}
