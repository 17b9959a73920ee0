package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sqlitefile"
)

// Outage is why the database cannot be used for a while. It is
// octaskly.ErrUnavailable.
type Outage struct{ Why string }

func (o *Outage) Error() string {
	return fmt.Sprintf("the database is damaged (%s); what can be read of it is being saved", o.Why)
}

// Is makes it octaskly.ErrUnavailable.
func (o *Outage) Is(target error) bool { return target == octaskly.ErrUnavailable }

// isDamage reports whether an error says that the file is not what SQLite has
// written.
func isDamage(err error) bool {
	if errors.As(err, new(*malformed)) {
		return true
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// damagedAt reports whether damage is why the database cannot be opened: a
// statement may fail in many ways when its data is not what was written.
func (s *Store) damagedAt(ctx context.Context, err error) bool {
	var e *sqlite.Error
	if isDamage(err) || !errors.As(err, &e) {
		return isDamage(err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH:
		found, err := check(ctx, s.path)
		return found != "" || isDamage(err)
	}
	return false
}

// suspect notes an error that speaks of damage, and tells whoever waits for
// Damaged. It returns the error.
func (s *Store) suspect(err error) error {
	if isDamage(err) {
		s.accuse(err.Error())
	}
	return err
}

// unreadable is the function of that name, for errors that may speak of damage.
func (s *Store) unreadable(ctx context.Context, err error) error {
	return unreadable(ctx, s.suspect(err))
}

func (s *Store) accuse(why string) {
	if s.suspicion.CompareAndSwap(nil, &Outage{why}) {
		if stop := s.checking.Load(); stop != nil {
			(*stop)() // nothing is to be waited for
		}
		s.log.Error("The database seems to be damaged", "database", s.path, "reason", why)
	}
	select {
	case s.alarm <- struct{}{}:
	default:
	}
}

// Damaged gets a value when something speaks of damage. Load does something
// about it, and is to be called then.
func (s *Store) Damaged() <-chan struct{} { return s.alarm }

// Suspicion is what has spoken of damage that nobody has done anything about; nil
// where nothing has.
func (s *Store) Suspicion() error {
	if why := s.suspicion.Load(); why != nil {
		return why
	}
	return nil
}

// Salvaged reports whether the database was salvaged since Open was called.
func (s *Store) Salvaged() bool { return s.salvaged.Load() }

// retryHeal is how long after a salvage that failed another is tried.
const retryHeal = 10 * time.Second

// heal looks closer when there is suspicion, and salvages what can be read.
// Until it is through, whoever reads or commits gets an Outage.
func (s *Store) heal(ctx context.Context) error {
	s.healing.Lock()
	defer s.healing.Unlock()
	why := s.suspicion.Load()
	if why == nil {
		return nil
	}
	if time.Since(s.healed) < retryHeal {
		return s.healErr
	}
	s.healErr = s.operate(ctx, why)
	if s.healed = time.Now(); s.healErr == nil {
		s.healed = time.Time{}
		s.suspicion.Store(nil)
	}
	return s.healErr
}

// operate closes the database, salvages it unless it is sound, and opens it.
func (s *Store) operate(ctx context.Context, why *Outage) error {
	if err := s.shut(ctx, why); err != nil {
		return err
	}
	if found, err := check(ctx, s.path); err == nil && found == "" {
		s.log.Warn("The database is sound; what spoke of damage was something else", "reason", why.Why)
	} else if err := s.salvage(ctx, why.Why); err != nil {
		return fmt.Errorf("cannot save what is left of the database: %w", explain(err))
	}
	return s.reopen(ctx)
}

func (s *Store) salvage(ctx context.Context, why string) error {
	report, err := salvage(ctx, s.path, why, s.floor(), s.log)
	if err == nil {
		s.report.Store(report)
		s.salvaged.Store(true)
	}
	return err
}

// drainPause is how often shut looks whether all readers are through.
const drainPause = 5 * time.Millisecond

// shut closes all connections, and waits until nobody uses one.
func (s *Store) shut(ctx context.Context, why *Outage) error {
	s.outage.Store(why)
	s.writer.shut() // of a damaged database; whatever it says, it is over
	s.writing.SetMaxIdleConns(0)
	s.readers.SetMaxIdleConns(0)
	tick := time.NewTicker(drainPause)
	defer tick.Stop()
	for s.readers.Stats().OpenConnections+s.writing.Stats().OpenConnections > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// reopen lets all in again.
func (s *Store) reopen(ctx context.Context) error {
	s.outage.Store(nil)
	s.writing.SetMaxIdleConns(1)
	s.readers.SetMaxIdleConns(maxReaders)
	if err := s.prepare(ctx); err != nil {
		return err
	}
	fresh, err := newWriter(ctx, s.writing)
	if err != nil {
		return err
	}
	s.writer.replace(fresh)
	return nil
}

// Health is what is known of the state of the database.
type Health struct {
	CheckedAt time.Time // when all of it was found sound; zero: not yet
	Salvage   *Salvage  // that was done lately; nil: none
}

// Health tells what is known of the state of the database.
func (s *Store) Health() Health {
	h := Health{Salvage: s.report.Load()}
	if at := s.checked.Load(); at != nil {
		h.CheckedAt = *at
	}
	return h
}

// inspect looks at the files before SQLite does, which would begin anew where
// the database is empty, and leave out what comes after a torn frame of the
// log. It returns what is wrong with them; nothing is for those that are sound,
// and for what is no database of ours.
func inspect(path string) (why string, err error) {
	f, err := sqlitefile.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	switch {
	case f.Short() > 0:
		return fmt.Sprintf("the file is %d bytes shorter than its header says", f.Short()), nil
	case !f.Header() && f.LogFrames() > 0:
		return "its log has data, but the file itself is no database", nil
	case f.Beyond() > 1 && committedAnd(f) > 1:
		return "its log is torn in the midst of what was committed", nil
	}
	return "", nil
}

// committedAnd counts the commits past a torn frame that waited for the disk,
// which all but the last had done: only they write the ledger.
func committedAnd(f *sqlitefile.File) int {
	var root int64
	f.Walk(1, false, func(row sqlitefile.Row) error {
		if len(row.Values) == 5 && row.Values[1] == "ledger" {
			root, _ = row.Values[3].(int64)
		}
		return nil
	})
	return f.Torn(uint32(root))
}
