package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// lastID is the highest id that people can name, see octaskly.ParseRanges.
const lastID = octaskly.JobID(octaskly.MaxIndex)

// idBlock is how many ids are reserved at once.
const idBlock = 100_000

// reserved is how many ids may have been given out, in a file beside the database:
// what is lost of that, or with it, does not bring them back. The file has one
// number; no id from that on was ever given out.
type reserved struct {
	giving sync.Mutex
	path   string
	bound  octaskly.JobID // 0: not known
}

func idsFile(path string) string { return strings.TrimSuffix(path, ".db") + ".ids" }

// read finds what an earlier process has reserved.
func (r *reserved) read() error {
	f, err := os.OpenFile(r.path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n < 1 || n > int64(lastID)+1 {
		return fmt.Errorf("%.32q is no id", text)
	}
	r.bound = octaskly.JobID(n)
	return nil
}

// reserve notes durably that ids from one on are given out.
func (r *reserved) reserve(from octaskly.JobID) error {
	bound := min(from+idBlock, lastID+1)
	if err := replaceFile(r.path, fmt.Sprintln(int64(bound))); err != nil {
		return fmt.Errorf("cannot note in %q which ids are given out: %w: %w", r.path, explain(err), octaskly.ErrUnavailable)
	}
	r.bound = bound
	return nil
}

// replaceFile writes a file that is whole and on disk when it has its name.
func replaceFile(path, text string) error {
	fresh := path + ".new"
	if err := remove(fresh); err != nil {
		return err
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, remove(fresh))
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

// NextJobID gives out an id that no job has had. One that is not used is lost
// with the process, and given out again by the next. It is octaskly.ErrFull when
// there are no more.
func (s *Store) NextJobID() (octaskly.JobID, error) {
	s.ids.giving.Lock()
	defer s.ids.giving.Unlock()
	id := octaskly.JobID(s.nextJob.Load()) + 1
	if id > lastID {
		return 0, fmt.Errorf("cannot give a task an id: %d was the last one; begin anew in another state directory (state_dir in the configuration): %w", lastID, octaskly.ErrFull)
	}
	if id >= s.ids.bound {
		if err := s.ids.reserve(id); err != nil {
			return 0, err
		}
	}
	s.nextJob.Store(int64(id))
	return id, nil
}

const lastJob = `SELECT ifnull((SELECT CAST(max(seq) AS INTEGER) FROM sqlite_sequence WHERE name = 'jobs'), 0),
	ifnull((SELECT max(id) FROM jobs WHERE id <= ?), 0)`

// readLastJob finds the id after which the next job's comes. The sequence keeps
// it, even when the jobs themselves are gone. Where that is behind them, or no
// number that there can be, it is not what was written, and nobody knows which ids
// were given out.
func (s *Store) readLastJob(ctx context.Context) error {
	var last, latest octaskly.JobID
	if err := s.writing.QueryRowContext(ctx, lastJob, int64(lastID)).Scan(&last, &latest); err != nil {
		return err
	}
	if last < latest || last > lastID {
		s.log.Warn("The database does not say which ids were given out; some are skipped", "it says", last, "latest task", latest)
		last = min(max(latest+idGap, s.floor()), lastID)
		if err := s.skipTo(ctx, last); err != nil {
			return err
		}
	}
	if s.ids.bound-1 > last+2*idBlock { // more than a process leaves unused
		s.log.Warn("The database is older than the ids that were given out; they are skipped", "file", s.ids.path, "last", last, "next", s.ids.bound)
		last = s.ids.bound - 1
	}
	s.nextJob.Store(int64(last))
	s.bornJob.Store(int64(last))
	if last+1 >= s.ids.bound && last < lastID {
		if err := s.ids.reserve(last + 1); err != nil {
			s.log.Warn("The next task has to wait until ids can be reserved", "error", err)
		}
	}
	return nil
}

func (s *Store) skipTo(ctx context.Context, last octaskly.JobID) error {
	tx, err := s.writing.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := skipTo(ctx, tx, last); err != nil {
		return err
	}
	return tx.Commit()
}

// floor is the highest id that may have been given out, whatever the database says.
func (s *Store) floor() octaskly.JobID {
	if s.begun {
		return octaskly.JobID(s.nextJob.Load())
	}
	return max(s.ids.bound-1, highestOutput(filepath.Dir(s.path)))
}
