package dispatcher

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/store"
)

// Store is what a dispatcher needs of its store.
type Store interface {
	Generation() string
	Divided() time.Time
	NextJobID() (octaskly.JobID, error)
	Commit(context.Context, *store.Changes) error
	Load(context.Context) (*store.Snapshot, error)
	Resting(ctx context.Context, after, upTo octaskly.JobID, limit int) ([]store.LiveJob, error)
	Live(context.Context, []octaskly.JobID) ([]store.LiveJob, error)
	IDs(context.Context, store.Query) ([]octaskly.JobID, error)
	Job(context.Context, octaskly.JobID) (*store.Record, error)
	Waiting(context.Context) (byOwner map[string]int64, seq int64, err error)
	Owned(ctx context.Context, owner string) (store.Owned, error)
	JobByKey(ctx context.Context, owner, key string) (octaskly.JobID, error)
	LastJob(ctx context.Context, owner string) (octaskly.JobID, error)
	Reads(ctx context.Context, owner string, blob octaskly.Blob) (bool, error)
	Jobs(context.Context, store.Query) ([]store.Record, error)
	Task(context.Context, octaskly.JobID, octaskly.Index) (*octaskly.Task, error)
	Tasks(ctx context.Context, id octaskly.JobID, states []octaskly.State, from octaskly.Index, limit int) ([]octaskly.Task, error)
	Attempts(context.Context, octaskly.JobID, octaskly.Index) ([]octaskly.Attempt, error)
	Output(context.Context, octaskly.AttemptID) (inline []byte, stored int64, err error)
	Size() int64
	archive
	chronicle
	sick
}

// Config says how a dispatcher works. All fields but Log have a default.
type Config struct {
	Dir       string        // state directory: output and blobs lie below it
	Fleet     string        // name of the fleet
	Version   string        // of the program
	MaxOutput int64         // bytes kept of each stream of an attempt
	MaxQueued int64         // tasks that may wait at the same time
	Lease     time.Duration // how long a silent worker is trusted
	Linger    time.Duration // how long an end may wait for others before its commit
	MaxLosses int           // workers that a task may take down with it before it fails
	Policy    octaskly.Policy
	Retention Retention
	Vault     *security.Vault                  // seals secret environments; nil: there are none
	Quota     func(user string) octaskly.Quota // what somebody may have, asked often; nil: there are no quotas
	Roster    Roster                           // knows who may join; nil: whoever has the fleet key, and nobody stays removed
	Callers   Doorkeeper                       // knows the tokens that workers are shown; nil: nobody does
	Log       *slog.Logger
}

// Dispatcher is one dispatcher. Run it, and use its methods meanwhile.
type Dispatcher struct {
	Config
	store     Store
	events    chan func(*core)
	questions chan func(*core) // that change nothing
	outputs   *outputs
	blobs     *blobs
	collector *collector
	bells     bells
	names     names
	happened  happened
	auto      atomic.Uint32 // see autoLevel
	stories   chan story
	window    int           // jobs in line in memory; tests make it small
	wanted    chan *reading // holds one: the page to read next
	started   time.Time
	meter     *meter
	counters  sync.Mutex // of whoever has the store count what waits
	figures   *figures
	gone      chan struct{} // closed when the core takes no more events
}

// maxEvents is how many events wait for the core before their senders do.
const maxEvents = 1024

// New returns a dispatcher on an open store.
func New(config Config, s Store) (*Dispatcher, error) {
	config.MaxLosses = cmp.Or(config.MaxLosses, octaskly.MaxLosses)
	d := &Dispatcher{
		Config:    config,
		store:     s,
		events:    make(chan func(*core), maxEvents),
		questions: make(chan func(*core)),
		stories:   make(chan story, maxStories),
		window:    window,
		wanted:    make(chan *reading, 1),
		started:   time.Now(),
		meter:     newMeter(),
		gone:      make(chan struct{}),
		figures:   newFigures(),
	}
	d.collector = newCollector(d)
	var err error
	if d.outputs, err = openOutputs(d.Dir, d.MaxOutput); err != nil {
		return nil, err
	}
	if d.blobs, err = openBlobs(d.Dir); err != nil {
		return nil, err
	}
	return d, nil
}

// Run serves workers that come in through listener until ctx is done. ready is
// called once the queue is loaded. It returns when all it started has ended.
func (d *Dispatcher) Run(ctx context.Context, listener Listener, ready func()) error {
	c, err := d.load(ctx)
	if err != nil {
		return err
	}
	c.happen(octaskly.Event{Kind: octaskly.DispatcherStarted, Detail: d.Version})
	ready()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(d.gone)
		return c.run(ctx)
	})
	group.Go(func() error { return d.accept(ctx, listener) })
	group.Go(func() error { return d.guard(ctx) })
	group.Go(func() error { d.tellStories(); return nil })
	group.Go(func() error { d.collector.run(ctx); return nil })
	group.Go(func() error { d.readPages(ctx); return nil })
	return group.Wait()
}

// post hands an event to the core. It reports false when the core is gone.
func (d *Dispatcher) post(event func(*core)) bool {
	select {
	case d.events <- event:
		return true
	case <-d.gone:
		return false
	}
}

// ask hands the core a request and waits for its reply, which may come at once
// or with a commit.
func ask[T any](ctx context.Context, d *Dispatcher, request func(c *core, reply func(T, error))) (T, error) {
	return askBy(ctx, d, d.events, request)
}

// consult asks the core what changes nothing. It answers at once, even while a commit
// is on its way to the disk: what it knows then may not be there yet.
func consult[T any](ctx context.Context, d *Dispatcher, question func(*core) (T, error)) (T, error) {
	return askBy(ctx, d, d.questions, func(c *core, reply func(T, error)) { reply(question(c)) })
}

func askBy[T any](ctx context.Context, d *Dispatcher, to chan<- func(*core), request func(c *core, reply func(T, error))) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1) // the core never waits for a client that left
	event := func(c *core) {
		request(c, func(value T, err error) { answers <- answer{value, err} })
	}
	var none T
	select {
	case to <- event:
	case <-d.gone:
		return none, fmt.Errorf("the dispatcher is stopping: %w", octaskly.ErrUnavailable)
	case <-ctx.Done():
		return none, ctx.Err()
	}
	select {
	case a := <-answers:
		return a.value, a.err
	case <-d.gone:
		return none, fmt.Errorf("the dispatcher is stopping: %w", octaskly.ErrUnavailable)
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// Check reports whether the core still answers, be it that the store fails.
func (d *Dispatcher) Check(ctx context.Context) error {
	_, err := ask(ctx, d, func(_ *core, reply func(struct{}, error)) { reply(struct{}{}, nil) })
	return err
}

// names knows the names of workers by their ids.
type names struct{ byID sync.Map }

func (n *names) set(id octaskly.WorkerID, name string) { n.byID.Store(id, name) }

func (n *names) get(id octaskly.WorkerID) string {
	if name, ok := n.byID.Load(id); ok {
		return name.(string)
	}
	return string(id)
}
