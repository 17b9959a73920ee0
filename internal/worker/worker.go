package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/spool"
	"github.com/octaskly/octaskly/internal/transport"
)

// Executor runs attempts. See package executor for what each method promises.
type Executor interface {
	Offer([]*executor.Attempt) error
	Stop(id octaskly.AttemptID, drop bool)
	Recall([]octaskly.AttemptID) []octaskly.AttemptID
	Signal(id octaskly.AttemptID, number int) error
	Wake() <-chan struct{}
	Take() ([]protocol.Started, []protocol.Finished)
	Idle() bool
	Held() (generation string, held []protocol.Held)
	Unacknowledged() []protocol.Finished
	Output(octaskly.AttemptID) (*spool.Log, bool)
	Release([]octaskly.AttemptID)
	Features() []string
	Checks() []octaskly.Check
	Usage() []protocol.Usage
	Call(name string)
	Renew(at executor.Moment, lease time.Duration)
}

// Config says who a worker is and what it offers.
type Config struct {
	ID       octaskly.WorkerID
	Name     string
	Version  string // of the program
	Slots    int
	Room     octaskly.Room
	Dir      string                                           // state directory: inputs lie below it
	Dial     func(context.Context) (transport.Session, error) // for Run
	Executor Executor
	Log      *slog.Logger
	Status   func(text string) // told, for people, how it stands with the dispatcher
	// Inputs are the blobs that attempts need which the executor has from before.
	Inputs map[octaskly.Blob][]octaskly.JobID
}

// Worker is one worker. Run it.
type Worker struct {
	Config
	inputs  *inputs
	joined  atomic.Pointer[Joined]
	redial  redial
	callers callers
	meter   meter
}

// Joined is what is known of a session with the dispatcher.
type Joined struct {
	Address string // the dispatcher's
	Hello   *protocol.Hello
}

// Joined is nil while there is no session.
func (w *Worker) Joined() *Joined { return w.joined.Load() }

// New returns a worker.
func New(config Config) (*Worker, error) {
	inputs, err := openInputs(config.Dir, config.Inputs)
	if err != nil {
		return nil, err
	}
	return &Worker{Config: config, inputs: inputs}, nil
}

// RefusedError is the dispatcher's word that it does not take this worker.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return "the dispatcher refuses this worker: " + e.Why }

// Run keeps a session with the dispatcher until ctx is done, then says goodbye
// after stopped, which ends the commands, has returned.
func (w *Worker) Run(ctx context.Context, stopped func()) error {
	w.redial.keep(ctx, w.Log, w.Status, func() error {
		link, err := w.Dial(ctx)
		if err != nil {
			return err
		}
		return w.serve(ctx, link, "dispatcher", stopped)
	})
	return nil
}

// Attend is Run for an executor in a process of its own: the worker, which has
// the network, comes to it. It returns when ctx is done or accept fails.
func (w *Worker) Attend(ctx context.Context, accept func(context.Context) (transport.Session, error), stopped func()) error {
	for ctx.Err() == nil {
		link, err := accept(ctx)
		if err != nil {
			return err
		}
		err = w.serve(ctx, link, "worker", stopped)
		if ctx.Err() == nil {
			w.Status("waiting for the worker")
			w.Log.Log(ctx, levelOf(err), "The worker has gone; commands run on", "why", err)
		}
	}
	return nil
}

// levelOf: a worker comes and goes while its dispatcher is away, and that is the
// worker's to tell.
func levelOf(err error) slog.Level {
	if errors.Is(err, errNotJoined) {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

const (
	welcomeTimeout = 10 * time.Second
	writeTimeout   = 15 * time.Second
)

// errNotJoined says that a session did not get as far as its welcome.
var errNotJoined = errors.New("cannot join")

// serve has one session on link, which it closes, until that or ctx ends. When ctx
// is done it says goodbye after stopped has returned. Peer is who it is with.
func (w *Worker) serve(ctx context.Context, link transport.Session, peer string, stopped func()) error {
	defer link.Close()
	s := &session{Worker: w, link: link, peer: peer, in: protocol.NewReader(link.Control()), out: protocol.NewWriter(link.Control())}
	if err := s.join(); err != nil {
		return fmt.Errorf("%w: %w", errNotJoined, err)
	}
	w.Log.Info("Session has begun", "with", peer, "address", link.Peer(), "fleet", s.fleet)
	w.Status("connected to the " + peer + " at " + link.Peer())
	defer w.joined.Store(nil)
	defer w.callers.end()
	return s.run(ctx, stopped)
}

const (
	maxName      = 255                    // bytes
	minHeartbeat = 100 * time.Millisecond // a machine may be busy for three
	maxHeartbeat = time.Minute            // a silent peer keeps others out no longer than three
)

// silence is how long a dispatcher that pings so often may say nothing.
func silence(heartbeat time.Duration) time.Duration {
	return 3 * min(max(heartbeat, minHeartbeat), maxHeartbeat)
}

// Hello is how a worker introduces itself, now.
func (w *Worker) Hello() *protocol.Hello {
	generation, held := w.Executor.Held()
	return &protocol.Hello{
		Version: protocol.Version, Worker: w.ID, Name: w.Name, Software: w.Version, Slots: w.Slots, Room: w.Room,
		Features: w.Executor.Features(), Checks: bounded(w.Executor.Checks()), Generation: generation, Held: held,
	}
}

// join introduces the worker and waits for the welcome.
func (s *session) join() error {
	hello, sent := s.Hello(), executor.Now()
	if err := s.write(&protocol.FromWorker{Hello: hello}); err != nil {
		return err
	}
	s.link.Control().SetReadDeadline(time.Now().Add(welcomeTimeout))
	var first protocol.ToWorker
	if err := s.in.Read(&first); err != nil {
		return err
	}
	switch welcome := first.Welcome; {
	case welcome == nil:
		return errors.New("the dispatcher did not answer the hello")
	case welcome.Refused != "":
		return &RefusedError{welcome.Refused}
	case len(welcome.Name) > maxName || strings.ContainsRune(welcome.Name, 0):
		return errors.New("the name in the welcome is none")
	default:
		if welcome.Name != "" {
			s.Executor.Call(welcome.Name)
		}
		s.joined.Store(&Joined{s.link.Peer(), hello})
		s.asks = s.callers.begin(welcome.Callers)
		s.meter.sessions.Inc()
		s.fleet, s.generation, s.maxOutput = welcome.Fleet, welcome.Generation, welcome.MaxOutput
		s.silence = silence(welcome.Heartbeat)
	}
	if hello.Generation != s.generation {
		s.dropAll() // before anything of it may start
	}
	s.redial.heed(first.Welcome)
	s.lease.begin(s.Executor, sent, first.Welcome.Lease)
	s.specs = map[octaskly.JobID]*jobSpec{}
	s.first = &first
	return nil
}

// dropAll forgets what another fleet, or the store from before a restored
// backup, gave us.
func (s *session) dropAll() {
	_, held := s.Executor.Held()
	for _, h := range held {
		s.Executor.Stop(h.ID, true)
	}
}
