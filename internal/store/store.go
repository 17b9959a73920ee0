package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"modernc.org/sqlite"
)

// Store is an open database.
type Store struct {
	path       string
	log        *slog.Logger
	generation atomic.Value // string
	fleet      atomic.Value // string
	divided    atomic.Pointer[time.Time]
	nextJob    atomic.Int64
	bornJob    atomic.Int64 // the highest id of a job that is on disk, or was
	ids        reserved
	begun      bool // nextJob is known

	writing *sql.DB
	writer  *writer
	readers *readers
	records gathering

	verifying chan struct{} // has room for whoever verifies the audit log

	outage    atomic.Pointer[Outage] // why nobody is let in; nil: all are
	suspicion atomic.Pointer[Outage] // of damage
	alarm     chan struct{}
	checked   atomic.Pointer[time.Time]
	checking  atomic.Pointer[context.CancelFunc]
	report    atomic.Pointer[Salvage]
	salvaged  atomic.Bool

	healing sync.Mutex // the rest is for its holder
	healed  time.Time  // when that failed
	healErr error
}

const (
	writerCache = 2 << 10  // KiB; more is no faster, the kernel has the pages too
	maxIdleLog  = 64 << 20 // bytes of the write-ahead log that stay on disk when it has been copied back
)

// Open opens the database at path; it makes and migrates it if it must.
func Open(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	s := &Store{path: path, log: log, alarm: make(chan struct{}, 1), verifying: make(chan struct{}, 1)}
	s.records.leading = make(chan struct{}, 1)
	err := s.begin(ctx)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("cannot open database %q: %w", path, remedy(path, explain(err)))
	}
	s.begun = true
	return s, nil
}

// begin opens the database, and salvages it first if it is damaged.
func (s *Store) begin(ctx context.Context) error {
	if err := settle(s.path, s.log); err != nil {
		return err
	}
	if err := plainFiles(s.path); err != nil {
		return err
	}
	s.ids.path = idsFile(s.path)
	if err := s.ids.read(); err != nil {
		s.log.Warn("Cannot read which ids were given out; the database counts", "file", s.ids.path, "error", err)
	}
	gone := vanished(s.path)
	if err := createPrivate(s.path); err != nil {
		return err
	}
	why, err := inspect(s.path)
	if err != nil {
		return err
	}
	why = cmp.Or(gone, why)
	var refused error
	if why == "" {
		if refused = s.open(ctx); !s.damagedAt(ctx, refused) {
			return refused
		}
		why = refused.Error()
		s.Close()
	}
	if err := s.salvage(ctx, why); err != nil {
		if errors.Is(err, errForeign) && refused != nil {
			return refused
		}
		return err
	}
	return s.open(ctx)
}

func (s *Store) open(ctx context.Context) (err error) {
	// As durable as fsync(2), which SQLite calls by default, without the wait
	// for the log's time stamps.
	if _, err := sqlite.Fdatasync(true); err != nil {
		return err
	}
	s.writing = s.connect(writerCache, fmt.Sprintf(
		"_txlock=immediate&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_pragma=journal_size_limit(%d)", maxIdleLog))
	s.writing.SetMaxOpenConns(1)
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if s.writer, err = newWriter(ctx, s.writing); err != nil {
		return err
	}
	s.readers, err = openReaders(ctx, s.connect(readerCache, "mode=ro&_query_only=1"))
	return err
}

// prepare brings the schema up to date, and learns what the database is called.
func (s *Store) prepare(ctx context.Context) error {
	if err := migrate(ctx, s.writing, s.log); err != nil {
		return err
	}
	if err := recognize(ctx, s.writing, s.path, s.ids.bound-1, s.log); err != nil {
		return err
	}
	name, err := drawnOnce(ctx, s.writing, "generation")
	if err != nil {
		return err
	}
	s.generation.Store(name)
	fleet, err := drawnOnce(ctx, s.writing, "fleet_id")
	if err != nil {
		return err
	}
	s.fleet.Store(fleet)
	divided, err := readDivided(ctx, s.writing)
	if err != nil {
		return err
	}
	s.divided.Store(&divided)
	if err := noteUnlisted(ctx, s.writing); err != nil {
		return err
	}
	report, err := readReport(ctx, s.writing, time.Now())
	if err != nil {
		return err
	}
	s.report.Store(report)
	return s.readLastJob(ctx)
}

// createPrivate makes the file with a mode that SQLite copies to its others.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close()) // it may have been copied here
}

func connect(path string, cacheKiB int, options string) *sql.DB {
	return sql.OpenDB(connector(path, cacheKiB, options))
}

// connect is for the connections of which shut disposes.
func (s *Store) connect(cacheKiB int, options string) *sql.DB {
	return sql.OpenDB(door{connector(s.path, cacheKiB, options), &s.outage})
}

func connector(path string, cacheKiB int, options string) driver.Connector {
	dsn := fmt.Sprintf("file:%s?%s&_busy_timeout=5000&_defensive=1&_dqs=0&_pragma=trusted_schema(0)&_pragma=cache_size(-%d)",
		(&url.URL{Path: path}).EscapedPath(), options, cacheKiB)
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		panic(err) // only options that nobody can read are an error here
	}
	return c
}

// Generation names this database: 26 letters and digits. A restored backup
// draws another one.
func (s *Store) Generation() string { return s.generation.Load().(string) }

// FleetID names the fleet: 26 letters and digits, which a restored backup has,
// too.
func (s *Store) FleetID() string { return s.fleet.Load().(string) }

// Divided is when this database drew its generation in the place of another one,
// whose workers may not know yet; the zero time if it never did.
func (s *Store) Divided() time.Time { return *s.divided.Load() }

// Size is what the database takes up on disk, in bytes.
func (s *Store) Size() (n int64) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.path + suffix); err == nil {
			n += info.Size()
		}
	}
	return n
}

// Close copies the write-ahead log back into the database and lets it go.
func (s *Store) Close() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.writing != nil {
		errs = append(errs, s.writing.Close())
	}
	return errors.Join(errs...)
}
