package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// What is over is forgotten in steps: Forget marks jobs, and from then on they
// are gone for all who read; Remove deletes their rows bit by bit, a job's own at
// last, so that whatever is left after a crash is found by its mark.
//
// These steps do not wait for the disk. A power cut may undo the latest, and
// nothing that was committed after them.

// collector is the statements that collect.
type collector struct {
	mark, freeKey                          *statement
	events, goneEvents                     *statement
	results, tasks, inputs, progress, jobs *statement
}

// removeRows is how many rows one statement deletes at most.
const removeRows = 32

func (c *collector) prepare(statement func(string) *statement) {
	c.mark = statement(`UPDATE progress SET gone = 1 WHERE job = ? AND ended_at > 0 AND gone = 0`)
	c.freeKey = statement(`UPDATE jobs SET key = NULL WHERE id = ? AND key IS NOT NULL`)
	const gone = ` AND (SELECT gone FROM progress WHERE job = ?1 >> 30) LIMIT ?3)`
	c.results = statement(`DELETE FROM results WHERE seq IN (SELECT seq FROM results WHERE task BETWEEN ?1 AND ?2` + gone)
	c.tasks = statement(`DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE id BETWEEN ?1 AND ?2` + gone)
	c.inputs = statement(`DELETE FROM inputs WHERE job = ?`)
	c.progress = statement(`DELETE FROM progress WHERE job = ? AND gone = 1`)
	c.jobs = statement(`DELETE FROM jobs WHERE id = ?`)
	c.goneEvents = statement(`INSERT INTO meta VALUES ('events_gone', ?1) ON CONFLICT DO UPDATE SET value = ?1 WHERE CAST(value AS INTEGER) < CAST(?1 AS INTEGER)`)
	c.events = statement(`DELETE FROM events WHERE last IN (SELECT last FROM events WHERE last <= ?1 ORDER BY last LIMIT ?2)`)
}

// Forget makes those of the jobs that are over gone for all who read, and frees
// their idempotency keys. It says which these are.
func (s *Store) Forget(_ context.Context, ids []octaskly.JobID) (gone []octaskly.JobID, err error) {
	err = s.writer.relaxed(func(c *collector) error {
		for _, id := range ids {
			n, err := c.mark.count(int64(id))
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			gone = append(gone, id)
			if err := c.freeKey.exec(int64(id)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, uncollected(s.suspect(err))
	}
	return gone, nil
}

// Remove deletes the rows of jobs that are forgotten, one job after the other,
// for as long as budget lasts. It says how many of the jobs are through; the
// next may be in part.
func (s *Store) Remove(_ context.Context, ids []octaskly.JobID, budget time.Duration) (removed int, err error) {
	began := time.Now()
	err = s.writer.relaxed(func(c *collector) error {
		for removed < len(ids) {
			done, err := c.some(ids[removed])
			if err != nil {
				return err
			}
			if done {
				removed++
			}
			if time.Since(began) >= budget {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return 0, uncollected(s.suspect(err))
	}
	return removed, nil
}

func uncollected(err error) error {
	return fmt.Errorf("cannot remove old tasks from the database: %w", explain(err))
}

// some deletes a few of a job's rows, and reports whether that were the last.
func (c *collector) some(id octaskly.JobID) (done bool, err error) {
	first, err := taskKey(id, 0)
	if err != nil {
		return true, nil // no row has that name
	}
	for _, s := range []*statement{c.results, c.tasks} {
		if n, err := s.count(first, first|maxIndex, int64(removeRows)); err != nil || n == removeRows {
			return false, err
		}
	}
	for _, s := range []*statement{c.inputs, c.progress, c.jobs} {
		if err := s.exec(int64(id)); err != nil {
			return false, err // also: the job is not forgotten
		}
	}
	return true, nil
}

// relaxed is a transaction that is on disk with the next commit, or earlier.
func (w *writer) relaxed(change func(*collector) error) error {
	w.using.take(false)
	defer w.using.give()
	return w.conn.Raw(func(conn any) (err error) {
		if err := w.setSync(conn, false); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, w.setSync(conn, true)) }()
		return w.within(func() error { return change(&w.collecting) })
	})
}

// setSync says whether a commit waits for the disk. SQLite heeds this when it
// reads the statement, not when it executes it.
func (w *writer) setSync(conn any, full bool) error {
	text := `PRAGMA synchronous = NORMAL`
	if full {
		text = `PRAGMA synchronous = FULL`
	}
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		return errDriver
	}
	w.loose = true
	if _, err := execer.ExecContext(context.Background(), text, nil); err != nil {
		return err
	}
	w.loose = !full
	return nil
}
