package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/quota"
	"github.com/octaskly/octaskly/internal/resources"
	"github.com/octaskly/octaskly/internal/spool"
	"github.com/octaskly/octaskly/internal/statedir"
)

// Executor runs attempts. Its methods are safe for concurrent use, and harmless
// after Run has returned.
type Executor struct {
	slots   []*slot
	wanted  int // slots, but for inherited ones
	room    octaskly.Room
	grace   time.Duration
	dir     string
	log     *slog.Logger
	kept    resources.Containment
	place   string // directory of the cgroups of attempts; empty: there are none
	journal *journal
	state   *statedir.Dir // locked
	account *Account      // whom commands run as
	allowed []string      // Config.Directories
	base    []string      // environment of every command
	null    int           // /dev/null
	boxes   *boxes        // nil: there are none
	uids    uids

	boxesBefore   int      // made by earlier programs of this process
	offeredBefore []string // by the program before

	disk    *quota.Disk // nil: there are no quotas
	keeping sync.Mutex  // held while kept workspaces are counted
	offered []string    // features
	checks  []octaskly.Check
	wake    chan struct{}
	closing chan struct{} // closed when Run begins to stop
	ownRSS  atomic.Int64  // bytes, see maxRSS

	mu         sync.Mutex
	more       sync.Cond // signalled when the head of the FIFO may have found its slot
	over       bool      // no attempt is started any more
	paused     bool      // see pause
	busy       int       // slots that are in the middle of something
	calm       sync.Cond // signalled when busy falls, or when paused changes
	worker     string    // how the fleet calls this machine
	generation string
	serial     uint64 // of the latest entry
	entries    map[octaskly.AttemptID]*entry
	fifo       []*entry
	free       octaskly.Room
	news       []*entry // what Take is going to tell
	lease      lease
	guard      guard
}

// phase is how far an attempt is.
type phase uint8

const (
	queued  phase = iota
	running       // from before its start until everything of it is gone
	leaving       // on its way to ended without having run
	ended         // until Release
)

// entry is what an executor holds of an attempt. The fields below mu belong to
// the executor's mutex.
type entry struct {
	*Attempt
	serial uint64
	file   string // name of its output, if it gets a file
	output *spool.Log
	show   []string // what its box shows besides
	trial  bool     // of the self-test: nobody hears of it

	phase     phase
	slot      *slot // while it runs
	startedAt time.Time
	signals   bool // its command can be signalled
	wish      wish
	lapsed    bool           // Spec.AtMostOne: it has to end because of the lease
	usage     octaskly.Usage // as of the latest look
	finished  protocol.Finished
	announced bool // it is among the news
	forgotten bool
}

// New takes possession of cfg.Dir. It kills and removes what an earlier process
// has left there, but for ends that are not released yet: those are held, see
// Unacknowledged.
//
// It also changes this process, since commands inherit what it is: see
// prepareProcess.
func New(cfg Config) (*Executor, error) { return begin(cfg, nil) }

// begin goes on from h, if there is one.
func begin(cfg Config, h *Handover) (*Executor, error) {
	x := &Executor{
		wanted:  cfg.Slots,
		room:    cfg.Room,
		free:    copyRoom(cfg.Room),
		grace:   cmp.Or(cfg.Grace, 10*time.Second),
		worker:  cfg.Worker,
		log:     cfg.Log,
		account: cfg.Account,
		allowed: cfg.Directories,
		base:    baseEnviron(cfg.Account),
		null:    -1,
		entries: map[octaskly.AttemptID]*entry{},
		wake:    make(chan struct{}, 1),
		closing: make(chan struct{}),
	}
	x.more.L, x.calm.L = &x.mu, &x.mu
	x.guard.process = newGuardProcess(cfg.Guard, cfg.Log)
	x.uids.start(cfg.Boxes.FirstUID)
	if err := x.open(cfg, h); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot set up an executor in %q: %w", cfg.Dir, err), x.close())
	}
	return x, nil
}

func (x *Executor) open(cfg Config, h *Handover) (err error) {
	if cfg.Slots < 1 {
		return fmt.Errorf("%d slots run nothing", cfg.Slots)
	}
	if x.dir, err = filepath.Abs(cfg.Dir); err != nil {
		return err
	}
	for _, dir := range []string{x.dir, x.path("output"), x.path("work")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if x.state, err = statedir.Open(x.dir); err != nil {
		return err
	}
	if err := x.admit(); err != nil {
		return err
	}
	if err := prepareProcess(); err != nil {
		return err
	}
	if x.null, err = unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("cannot open %q: %w", os.DevNull, err)
	}
	x.kept, err = resources.Open(resources.Options{Dir: x.dir, NoCgroup: cfg.NoCgroup, Resume: h.feature(), Log: cfg.Log})
	if err != nil {
		return err
	}
	if x.place, err = placeOf(x.kept, x.path("cgroup")); err != nil {
		return err
	}
	if err := x.load(h.files()); err != nil {
		return err
	}
	if err := x.openDisk(&cfg.Boxes); err != nil {
		return err
	}
	if err := clearDirectory(x.path("work"), append(h.workspaces(), x.path(keptDir))); err != nil {
		x.log.Warn("old workspaces stay", "error", err)
	}
	if err := x.inherit(h); err != nil {
		return err
	}
	if err := x.openGuard(h); err != nil {
		return err
	}
	if err := x.makeSlots(); err != nil {
		return err
	}
	return x.findOut(&cfg)
}

// makeSlots makes the slots that are not inherited.
func (x *Executor) makeSlots() error {
	for i := range x.wanted {
		name := "slot-" + strconv.Itoa(i)
		if slices.ContainsFunc(x.slots, func(s *slot) bool { return s.name == name }) {
			continue
		}
		s, err := newSlot(x, name)
		if err != nil {
			return err
		}
		x.slots = append(x.slots, s)
	}
	return nil
}

func (x *Executor) path(name string) string { return x.dir + "/" + name }

// Features names what this executor can do, as a Spec's Needs may ask for it.
// Levels and limits are among them that have held in the self-test.
func (x *Executor) Features() []string { return x.offered }

// Checks is the report of the self-test.
func (x *Executor) Checks() []octaskly.Check { return x.checks }

// Run executes attempts until ctx is done. Then it stops every command, with TERM
// and after the grace with KILL, and returns when all of them are gone. What is
// stopped so is given back, see finish, or forgotten like what has not started; ends
// are kept for the next executor of this directory. Run may be called once.
func (x *Executor) Run(ctx context.Context) error {
	x.mu.Lock()
	x.busy = len(x.slots)
	x.mu.Unlock()
	var group sync.WaitGroup
	for _, s := range x.slots {
		group.Go(s.run)
	}
	group.Go(x.buryStrays)
	if x.boxes != nil {
		group.Go(func() { x.boxes.fill(x.closing) })
	}
	<-ctx.Done()
	x.leave()
	group.Wait()
	return x.close()
}

// close gives back all that open took.
func (x *Executor) close() error {
	errs := []error{x.guard.close()}
	if x.boxes != nil {
		x.boxes.hold()
	}
	for _, s := range x.slots {
		errs = append(errs, s.close())
	}
	if x.disk != nil {
		errs = append(errs, x.disk.Close())
	}
	if x.kept != nil {
		errs = append(errs, x.kept.Close())
	}
	if x.journal != nil {
		errs = append(errs, x.journal.close())
	}
	if x.null >= 0 {
		unix.Close(x.null)
	}
	if x.state != nil {
		errs = append(errs, x.state.Close())
	}
	return errors.Join(errs...)
}
