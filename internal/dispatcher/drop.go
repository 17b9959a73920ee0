package dispatcher

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// entries is how many names of a directory are read at once.
const entries = 256

// each calls do for every name in a directory, in any order. A directory that is
// not there has none.
func each(dir string, do func(name string) error) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(entries)
		for _, name := range names {
			if err := do(name); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// parseJob reads the name of a job's directory.
func parseJob(name string) (job octaskly.JobID, ok bool) {
	n, err := strconv.ParseInt(name, 10, 64)
	job = octaskly.JobID(n)
	return job, err == nil && n > 0 && job.String() == name
}

// parseOutput reads what outputs.path has made of an attempt.
func parseOutput(job octaskly.JobID, name string) (id octaskly.AttemptID, ok bool) {
	index, number, _ := strings.Cut(name, ".")
	i, err := strconv.ParseInt(index, 10, 64)
	n, failed := strconv.Atoi(number)
	return octaskly.AttemptID{Job: job, Index: i, Number: n}, err == nil && failed == nil
}

// drop deletes the output files of a job that is over, but for one that is being
// written: that of an attempt which had been given up.
func (k *collector) drop(ctx context.Context, job octaskly.JobID) error {
	dir := filepath.Join(k.outputs.dir, job.String())
	err := each(dir, func(name string) error {
		if id, ok := parseOutput(job, name); ok {
			return k.step(ctx, func() error { return k.outputs.remove(id) })
		}
		return os.RemoveAll(filepath.Join(dir, name))
	})
	k.outputs.prune(job)
	return err
}

// remove deletes the file of an attempt that is over.
func (o *outputs) remove(id octaskly.AttemptID) error {
	size, err := o.discard(id)
	o.kept.remove(size)
	return err
}

// discard deletes a file that is not counted, unless it is being written. It says
// how large that was.
func (o *outputs) discard(id octaskly.AttemptID) (size int64, err error) {
	path := o.path(id)
	f, err := os.Open(path) // while it is open, deleting it takes no time
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mirrors[id] != nil {
		return 0, nil
	}
	return info.Size(), os.Remove(path)
}

// written finds the file of an attempt, unless it is being written.
func (o *outputs) written(id octaskly.AttemptID) (info fs.FileInfo, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mirrors[id] != nil {
		return nil, false
	}
	info, err := os.Lstat(o.path(id))
	return info, err == nil
}

// prune removes the directory of a job that has no output.
func (o *outputs) prune(job octaskly.JobID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id := range o.mirrors {
		if id.Job == job {
			return // its file may be about to be made
		}
	}
	os.Remove(filepath.Join(o.dir, job.String())) // fails while there is other output
}

// Inputs are spared for some time after somebody has asked for them: a submission
// may follow.
const (
	spareUnread = 24 * time.Hour
	spareRead   = time.Hour // and only jobs that are over read it, when room is needed
)

// dropUnread deletes an input that no job reads.
func (k *collector) dropUnread(ctx context.Context, blob octaskly.Blob) error {
	_, err := k.blobs.drop(blob, spareUnread, func() (bool, error) {
		last, err := k.store.LastReader(ctx, blob)
		if last != 0 || err != nil {
			return false, err
		}
		unlisted, err := k.store.Unlisted(ctx)
		return !unlisted, err
	})
	return err
}
