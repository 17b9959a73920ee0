package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// Record writes all of r or, when it returns an error, none. When it returns
// they are on disk. The error is ErrDiskFull where that is why. Like Commit, it
// does not heed its context.
//
// Those who call it while another's transaction is in progress share the next
// one: what fails it fails them all.
func (s *Store) Record(_ context.Context, r *Records) error {
	if r.empty() {
		return nil
	}
	if err := r.check(); err != nil {
		return fmt.Errorf("cannot write to the database: %w", err)
	}
	if err := s.records.add(r, s.writer); err != nil {
		if why := s.outage.Load(); why != nil && errors.Is(err, sql.ErrConnDone) {
			err = why
		}
		return fmt.Errorf("cannot write to the database: %w", explain(s.suspect(err)))
	}
	return nil
}

// maxGathered is how many Records one transaction takes, so that nobody waits
// for it longer than for any other.
const maxGathered = 256

// gathering is Records that wait for a transaction.
type gathering struct {
	leading chan struct{} // has room for whoever writes those that wait

	guard   sync.Mutex
	waiting []gathered
}

type gathered struct {
	*Records
	done chan error
}

// add returns when r is written: by this goroutine, with others that wait, or by
// another.
func (g *gathering) add(r *Records, w *writer) error {
	one := gathered{r, make(chan error, 1)}
	g.guard.Lock()
	g.waiting = append(g.waiting, one)
	g.guard.Unlock()
	for {
		select {
		case err := <-one.done:
			return err
		case g.leading <- struct{}{}:
			w.record(g)
			<-g.leading
		}
	}
}

// next takes those of whom the next transaction is; none where whoever led last
// took all.
func (g *gathering) next() []gathered {
	g.guard.Lock()
	defer g.guard.Unlock()
	n := min(len(g.waiting), maxGathered)
	group := g.waiting[:n:n]
	if g.waiting = g.waiting[n:]; len(g.waiting) == 0 {
		g.waiting = nil
	}
	return group
}

// record makes one transaction of those that wait when it is its turn.
func (w *writer) record(g *gathering) {
	w.using.take(false)
	group := g.next()
	err := w.recordAll(group)
	w.using.give()
	for _, one := range group {
		one.done <- err
	}
}

func (w *writer) recordAll(group []gathered) error {
	if len(group) == 0 {
		return nil
	}
	actions := 0
	for _, one := range group {
		actions += len(one.Actions)
	}
	return w.durably(actions, func() error {
		for _, one := range group {
			if err := w.accounts.put(one.Records); err != nil {
				return err
			}
			if err := w.roster.put(&one.Roster); err != nil {
				return err
			}
			if err := w.audit.add(one.Actions); err != nil {
				return err
			}
		}
		if actions == 0 {
			return w.accounts.note.exec()
		}
		return w.audit.note()
	})
}
