package dispatcher

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// used is how old the time stamp of an input may be before somebody who asks for
// it has it renewed.
const used = time.Minute

// use reports whether a blob is there, and spares it for some time.
func (b *blobs) use(hash octaskly.Blob) bool {
	path, err := b.path(hash)
	if err != nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spare(hash)
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	if at := time.Now(); at.Sub(info.ModTime()).Abs() > used {
		os.Chtimes(path, at, at) // should this fail, it may be uploaded once more
	}
	return true
}

// keep gives a complete upload its name.
func (b *blobs) keep(hash octaskly.Blob, temp, path string, size int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spare(hash)
	_, missing := os.Stat(path)
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	if missing != nil {
		b.kept.add(string(hash), size)
	}
	return nil
}

// stored finds the file of a blob. One that has its name has been counted.
func (b *blobs) stored(name string) (info fs.FileInfo, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	info, err := os.Lstat(filepath.Join(b.dir, name))
	return info, err == nil
}

// claim keeps blobs from being deleted until they are released: then the store
// knows who reads them, or nobody does.
func (b *blobs) claim(hashes ...octaskly.Blob) (release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, hash := range hashes {
		if hash != "" {
			b.claims[hash]++
			b.spare(hash)
		}
	}
	return func() { b.release(hashes) }
}

func (b *blobs) release(hashes []octaskly.Blob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, hash := range hashes {
		if b.claims[hash]--; b.claims[hash] <= 0 {
			delete(b.claims, hash)
		}
	}
}

// spare has a blob stay that is about to be deleted. The caller holds mu.
func (b *blobs) spare(hash octaskly.Blob) {
	if b.doomed == hash {
		b.doomed = ""
	}
}

// drop deletes a blob that nobody has asked for during some time, if it is then
// found useless and nobody asks for it meanwhile. It reports false for a blob that
// somebody has asked for.
func (b *blobs) drop(hash octaskly.Blob, unused time.Duration, useless func() (bool, error)) (old bool, err error) {
	path, err := b.path(hash)
	if err != nil {
		return true, nil
	}
	size, old, err := b.doom(hash, path, unused)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	} else if err != nil || !old {
		return old, err
	}
	if is, err := useless(); !is || err != nil {
		return true, err
	}
	return true, b.delete(hash, path, size)
}

// doom says that a blob is to be deleted, unless somebody has asked for it.
func (b *blobs) doom(hash octaskly.Blob, path string, unused time.Duration) (size int64, old bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	info, err := os.Stat(path)
	if err != nil || b.claims[hash] > 0 || time.Since(info.ModTime()) < unused {
		return 0, false, err
	}
	b.doomed = hash
	return info.Size(), true, nil
}

// delete deletes a blob that is still doomed.
func (b *blobs) delete(hash octaskly.Blob, path string, size int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.doomed != hash {
		return nil
	}
	// First, and with mu: whoever uploads it anew is noted after that.
	if err := os.Remove(b.uploadsOf(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	b.kept.remove(size)
	return nil
}
