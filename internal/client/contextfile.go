package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ContextFile keeps contexts in a file of the user's own, for any number of
// programs at the same time.
type ContextFile struct{ Path string }

// OwnContexts is the file of the user who runs this.
func OwnContexts() (*ContextFile, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, fmt.Errorf("cannot find the place for contexts: %w", err)
	}
	return &ContextFile{filepath.Join(dir, "octaskly", "contexts.json")}, nil
}

// Load reads the file. One that is not there has no contexts.
func (f *ContextFile) Load() (*Contexts, error) {
	data, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		return &Contexts{}, nil
	}
	var all *Contexts
	if err == nil {
		all, err = ParseContexts(data)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the contexts in %q: %w", f.Path, err)
	}
	return all, nil
}

func (f *ContextFile) read() ([]byte, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("others may read the tokens in it (its mode is %#o); chmod 600 %s", info.Mode().Perm(), f.Path)
	}
	return io.ReadAll(io.LimitReader(file, maxContextsSize+1))
}

// Change reads, changes and writes the contexts, and keeps others out
// meanwhile. An error of apply leaves the file as it is. What cannot be written
// is an *Unkept, and as far as that can be known, apply is not called at all:
// what it does elsewhere may be lost for good where it is not kept.
func (f *ContextFile) Change(ctx context.Context, apply func(*Contexts) error) error {
	unlock, err := f.lock(ctx)
	if err != nil {
		return &Unkept{Doing: "lock", Path: f.Path, Err: err}
	}
	defer unlock()
	all, err := f.Load()
	if err != nil {
		return err
	}
	next, err := f.draft()
	if err != nil {
		return &Unkept{Doing: "write", Path: f.Path, Err: err}
	}
	defer next.Close()
	if err := apply(all); err != nil {
		return err
	}
	data, err := all.Encode()
	if err == nil {
		err = next.commit(data)
	}
	if err != nil {
		return &Unkept{Doing: "write", Path: f.Path, Err: err}
	}
	return nil
}

// Writable returns an *Unkept if Change would.
func (f *ContextFile) Writable(ctx context.Context) error {
	enough := errors.New("it can be written")
	if err := f.Change(ctx, func(*Contexts) error { return enough }); err != enough {
		return err
	}
	return nil
}

// Renew is that of Store.
func (f *ContextFile) Renew(ctx context.Context, name string, apply func(*Context) error) error {
	same := errors.New("nothing has changed")
	err := f.Change(ctx, func(all *Contexts) error {
		stored := all.Find(name)
		if stored == nil {
			return fmt.Errorf("context %q is not there any more", name)
		}
		before := *stored
		if err := apply(stored); err != nil {
			return err
		}
		if *stored == before {
			return same
		}
		return nil
	})
	if err == same {
		return nil
	}
	return err
}

const (
	lockPause    = 10 * time.Millisecond
	lockPatience = 30 * time.Second // longer than a renewal takes
)

// lock waits for the turn of this program.
func (f *ContextFile) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(f.Path+".lock", os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lockPatience, errors.New("another octasklyctl holds it"))
	defer cancel()
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			file.Close()
			return nil, err
		}
		if err := pause(ctx, lockPause); err != nil {
			file.Close()
			return nil, err
		}
	}
}

// pause returns after d, or with the cause of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
