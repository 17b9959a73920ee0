package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/transport"
)

// session is one link to the dispatcher.
type session struct {
	*Worker
	link       transport.Session
	peer       string // dispatcher, or the worker before an executor
	in         *protocol.Reader
	out        *protocol.Writer // the reporter's, once run has begun
	first      *protocol.ToWorker
	fleet      string
	generation string
	maxOutput  int64
	silence    time.Duration // without a word for so long, the dispatcher is gone
	lease      lease

	specs    map[octaskly.JobID]*jobSpec // the reader's
	arriving arriving
	group    *errgroup.Group // all goroutines of the session
	pongs    chan uint64
	given    chan []octaskly.AttemptID // recalled, to be reported
	asks     <-chan protocol.Caller    // to be asked
}

// jobSpec is a spec that assignments of this session may use.
type jobSpec struct {
	*octaskly.Spec
	array   bool
	secrets []string
	err     error // why it cannot be run here
}

// errGoodbye ends a session that the worker has left in order.
var errGoodbye = errors.New("goodbye")

// run serves until the link breaks or ctx is done.
func (s *session) run(ctx context.Context, stopped func()) error {
	group, inner := errgroup.WithContext(context.WithoutCancel(ctx))
	s.group = group
	s.pongs = make(chan uint64, 1)
	s.given = make(chan []octaskly.AttemptID, 16)
	bulk, cancel := context.WithCancel(inner)
	defer cancel()
	group.Go(func() error { return s.read(inner, bulk) })
	group.Go(func() error { return s.report(ctx, inner, stopped) })
	group.Go(func() error { // whichever part ends first, the link's end ends the others
		<-inner.Done()
		s.link.Close()
		return nil
	})
	return group.Wait()
}

// read turns frames into calls.
func (s *session) read(ctx, bulk context.Context) error {
	frame := s.first
	for {
		if err := s.handle(ctx, bulk, frame); err != nil {
			return err
		}
		s.link.Control().SetReadDeadline(time.Now().Add(s.silence))
		frame = new(protocol.ToWorker)
		if err := s.in.Read(frame); err != nil {
			return fmt.Errorf("lost the %s: %w", s.peer, err)
		}
	}
}

func (s *session) handle(ctx, bulk context.Context, frame *protocol.ToWorker) error {
	s.meter.down(frame)
	s.callers.answered(frame.Callers)
	for _, spec := range frame.Specs {
		s.learn(spec)
	}
	for _, a := range frame.Assign {
		if !a.Elements.Valid() {
			return fmt.Errorf("cannot run what is assigned of job %v: its ranges make no sense: %w", a.Job, protocol.ErrFrame)
		}
		if err := s.assign(bulk, a); err != nil {
			return err
		}
	}
	for _, stop := range frame.Stop {
		s.arriving.stop(s.Executor, stop)
	}
	if len(frame.Recall) > 0 {
		if err := s.give(ctx, s.Executor.Recall(frame.Recall)); err != nil {
			return err
		}
	}
	for _, signal := range frame.Signal {
		if err := s.Executor.Signal(signal.ID, signal.Number); err != nil {
			s.Log.Debug("Cannot pass a signal on", "task", signal.ID, "error", err)
		}
	}
	for _, fetch := range frame.Fetch {
		s.group.Go(func() error { s.sendOutput(bulk, fetch); return nil })
	}
	if len(frame.Ack) > 0 {
		s.Executor.Release(frame.Ack)
	}
	for _, job := range frame.Forget {
		s.forget(job)
	}
	if frame.Heard != 0 {
		s.lease.heard(frame.Heard)
	}
	if frame.Ping != 0 {
		s.inputs.retain(s.using)
		select {
		case s.pongs <- frame.Ping:
		case <-ctx.Done():
		}
	}
	return nil
}

// using tells which jobs may yet read their input here: those of this session, and
// those that the executor holds from before.
func (s *session) using(jobs []octaskly.JobID) map[octaskly.JobID]bool {
	used := map[octaskly.JobID]bool{}
	former := false
	for _, job := range jobs {
		used[job] = s.specs[job] != nil
		former = former || !used[job]
	}
	if former {
		_, held := s.Executor.Held()
		for _, h := range held {
			used[h.ID.Job] = used[h.ID.Job] || !h.State.Terminal()
		}
	}
	return used
}

// give has the reporter say what was given back.
func (s *session) give(ctx context.Context, ids []octaskly.AttemptID) error {
	select {
	case s.given <- ids:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// learn takes a job's spec in. One that cannot be run here fails its attempts.
func (s *session) learn(in protocol.JobSpec) {
	spec, err := protocol.DecodeSpec(in.Version, in.Spec)
	if err == nil {
		err = spec.Check()
	}
	if spec == nil {
		spec = &octaskly.Spec{}
	}
	spec.Sealed = nil // it has been opened
	s.specs[in.Job] = &jobSpec{Spec: spec, array: in.Array, secrets: in.Secrets, err: err}
}

func (s *session) forget(job octaskly.JobID) {
	if spec := s.specs[job]; spec != nil && spec.Stdin != "" {
		s.inputs.release(spec.Stdin, job)
	}
	delete(s.specs, job)
}

// assign hands attempts to the executor, once their input is here.
func (s *session) assign(bulk context.Context, a protocol.Assign) error {
	spec := s.specs[a.Job]
	if spec == nil {
		spec = &jobSpec{Spec: &octaskly.Spec{}, err: errors.New("the dispatcher did not send its spec")}
	}
	attempts := s.attempts(a, spec)
	if spec.err != nil || spec.Stdin == "" {
		return s.Executor.Offer(attempts)
	}
	path, here := s.inputs.find(spec.Stdin, a.Job)
	if here {
		return s.offer(attempts, path, nil)
	}
	s.arriving.enter(attempts)
	s.group.Go(func() error {
		path, err := s.inputs.get(bulk, s.link, spec.Stdin, a.Job)
		for errors.Is(err, errBroken) && bulk.Err() == nil {
			sleep(bulk, bulkPause)
			path, err = s.inputs.get(bulk, s.link, spec.Stdin, a.Job)
		}
		if bulk.Err() == nil { // else the next session will say that we do not have them
			return s.offer(attempts, path, err)
		}
		return nil
	})
	return nil
}

func (s *session) offer(attempts []*executor.Attempt, stdin string, err error) error {
	for _, a := range attempts {
		a.StdinPath, a.Err = stdin, err
	}
	return s.arriving.offer(s.Executor, attempts)
}

// attempts lists the executions that an assignment asks for.
func (s *session) attempts(a protocol.Assign, spec *jobSpec) []*executor.Attempt {
	list := make([]*executor.Attempt, 0, min(a.Elements.Count(), 1024))
	a.Elements.Each(func(i octaskly.Index) bool {
		attempt := &executor.Attempt{
			ID:         octaskly.AttemptID{Job: a.Job, Index: i, Number: a.Attempt},
			Generation: s.generation, Spec: spec.Spec, Array: spec.array, Secrets: spec.secrets, MaxOutput: s.maxOutput, Err: spec.err,
		}
		if n := len(list); n < len(a.Items) {
			attempt.Item = a.Items[n]
		}
		list = append(list, attempt)
		return len(list) < maxAssigned
	})
	return list
}

// maxAssigned bounds one assignment.
const maxAssigned = 1 << 16
