package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/transport"
)

// Relay is a worker whose executor is a process of its own. It lends it what an
// executor does not have: a network, the fleet's key and a name. Every message
// is decoded and encoded again on its way, so that nothing malformed reaches a
// process with privileges.
//
//	executor ── Unix socket ── Relay ── TLS ── dispatcher
//
// A session with the dispatcher lasts as long as the one with the executor, so
// whoever is back holds exactly what its hello says.
type Relay struct {
	ID       octaskly.WorkerID
	Name     string
	Version  string // of the program
	Executor func(context.Context) (transport.Session, error)
	Dial     func(context.Context) (transport.Session, error)
	Log      *slog.Logger
	Status   func(text string) // told, for people, how it stands with the dispatcher

	redial redial
	joined atomic.Pointer[Joined]
	said   atomic.Pointer[protocol.Hello] // by the executor, latest

	callers callers
	meter   meter

	mu   sync.Mutex
	runs map[octaskly.AttemptID]bool // nil: not known, for there is no session
}

// Joined is nil while there is no session.
func (r *Relay) Joined() *Joined { return r.joined.Load() }

// Hello is what the executor has said of itself when a session began, or nil if
// it cannot be reached. It needs no dispatcher.
func (r *Relay) Hello() *protocol.Hello { return r.said.Load() }

// Running is how many commands run here. It is not known without a session; when
// ctx of Run is done, it is as of then.
func (r *Relay) Running() (n int, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.runs), r.runs != nil
}

// note keeps count of what runs.
func (r *Relay) note(batch *protocol.FromWorker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if hello := batch.Hello; hello != nil {
		r.runs = map[octaskly.AttemptID]bool{}
		for _, h := range hello.Held {
			if h.State == octaskly.Running {
				r.runs[h.ID] = true
			}
		}
	}
	for _, s := range batch.Started {
		r.runs[s.ID] = true
	}
	for _, f := range batch.Finished {
		delete(r.runs, f.ID)
	}
	if batch.Goodbye {
		clear(r.runs)
	}
}

func (r *Relay) forgetAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs = nil
}

// forget what the dispatcher has given up: its end is not reported.
func (r *Relay) forget(stops []protocol.Stop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, stop := range stops {
		if stop.Drop {
			delete(r.runs, stop.ID)
		}
	}
}

// Run keeps a session with the dispatcher until ctx is done. Commands go on.
func (r *Relay) Run(ctx context.Context) error {
	r.redial.keep(ctx, r.Log, r.Status, func() error { return r.session(ctx) })
	return nil
}

// Held asks the executor for the attempts that it has.
func (r *Relay) Held(ctx context.Context) ([]protocol.Held, error) {
	local, _, hello, err := r.meet(ctx)
	if err != nil {
		return nil, err
	}
	return hello.Held, local.Close()
}

// meet begins a session with the executor.
func (r *Relay) meet(ctx context.Context) (local transport.Session, in *protocol.Reader, hello *protocol.Hello, err error) {
	if local, err = r.Executor(ctx); err != nil {
		return nil, nil, nil, err
	}
	in = protocol.NewReader(local.Control())
	if hello, err = r.hello(local, in); err != nil {
		local.Close()
		return nil, nil, nil, fmt.Errorf("cannot join: %w", err)
	}
	return local, in, hello, nil
}

// session joins a session of each side. Without an executor nobody bothers the
// dispatcher; but to reach that may take long, and what the executor has may be
// something else by then. So they meet once more.
func (r *Relay) session(ctx context.Context) error {
	local, _, hello, err := r.meet(ctx)
	if r.said.Store(hello); err != nil {
		return err
	}
	local.Close()
	link, err := r.Dial(ctx)
	if err != nil {
		return err
	}
	defer link.Close()
	local, fromLocal, hello, err := r.meet(ctx)
	if r.said.Store(hello); err != nil {
		return err
	}
	defer local.Close()
	p := &passage{
		Relay: r, local: local, link: link,
		fromLocal: fromLocal, toLocal: protocol.NewWriter(local.Control()),
		fromLink: protocol.NewReader(link.Control()), toLink: protocol.NewWriter(link.Control()),
	}
	if err := p.introduce(hello); err != nil {
		return fmt.Errorf("cannot join: %w", err)
	}
	r.Status("connected to the dispatcher at " + link.Peer())
	defer r.joined.Store(nil)
	defer r.callers.end()
	err = p.run(ctx)
	if ctx.Err() == nil {
		r.forgetAll()
	}
	return err
}

// hello waits for the executor's, and makes it this worker's.
func (r *Relay) hello(local transport.Session, in *protocol.Reader) (*protocol.Hello, error) {
	if err := local.Control().SetReadDeadline(time.Now().Add(welcomeTimeout)); err != nil {
		return nil, err
	}
	var first protocol.FromWorker
	if err := in.Read(&first); err != nil {
		return nil, fmt.Errorf("the executor does not answer: %w", err)
	}
	if first.Hello == nil {
		return nil, errors.New("the executor does not say hello")
	}
	if err := local.Control().SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	first.Hello.Worker, first.Hello.Name, first.Hello.Software = r.ID, r.Name, r.Version
	first.Hello.Checks = bounded(first.Hello.Checks)
	return first.Hello, nil
}

// passage is one session of each side, joined.
type passage struct {
	*Relay
	local, link         transport.Session
	fromLocal, fromLink *protocol.Reader
	toLocal, toLink     *protocol.Writer
	silence             time.Duration
	asks                <-chan protocol.Caller
	writing             sync.Mutex // of toLink
}

// introduce the executor to the dispatcher.
func (p *passage) introduce(hello *protocol.Hello) error {
	first := &protocol.FromWorker{Hello: hello}
	p.note(first)
	p.meter.up(first)
	if err := pass(p.toLink, p.link, first); err != nil {
		return err
	}
	if err := p.link.Control().SetReadDeadline(time.Now().Add(welcomeTimeout)); err != nil {
		return err
	}
	var answer protocol.ToWorker
	if err := p.fromLink.Read(&answer); err != nil {
		return err
	}
	switch welcome := answer.Welcome; {
	case welcome == nil:
		return errors.New("the dispatcher did not answer the hello")
	case welcome.Refused != "":
		return &RefusedError{welcome.Refused}
	default:
		welcome.Name = p.Name
		p.redial.heed(welcome)
		p.silence = silence(welcome.Heartbeat)
		p.joined.Store(&Joined{p.link.Peer(), hello})
		p.asks = p.callers.begin(welcome.Callers)
		p.meter.sessions.Inc()
		p.Log.Info("Session has begun", "with", "dispatcher", "address", p.link.Peer(), "fleet", welcome.Fleet, "held", len(hello.Held))
	}
	return pass(p.toLocal, p.local, &answer)
}

// run carries messages until either side, or ctx, ends.
func (p *passage) run(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	group.Go(p.up)
	group.Go(p.down)
	group.Go(func() error { return p.ask(inner) })
	group.Go(func() error { p.carryBulks(inner, group); return nil })
	group.Go(func() error {
		<-inner.Done()
		p.link.Close()
		p.local.Close()
		return inner.Err()
	})
	return group.Wait()
}

func (p *passage) up() error {
	for {
		var batch protocol.FromWorker
		if err := p.fromLocal.Read(&batch); err != nil {
			return fmt.Errorf("lost the executor: %w", err)
		}
		batch.Callers = nil // the executor has no door
		p.note(&batch)
		p.meter.up(&batch)
		if err := p.passUp(&batch); err != nil {
			return err
		}
	}
}

// ask sends the worker's own questions in between.
func (p *passage) ask(ctx context.Context) error {
	for {
		select {
		case caller := <-p.asks:
			if err := p.passUp(&protocol.FromWorker{Callers: []protocol.Caller{caller}}); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *passage) passUp(batch *protocol.FromWorker) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := pass(p.toLink, p.link, batch); err != nil {
		return fmt.Errorf("lost the dispatcher: %w", err)
	}
	return nil
}

func (p *passage) down() error {
	for {
		if err := p.link.Control().SetReadDeadline(time.Now().Add(p.silence)); err != nil {
			return err
		}
		var batch protocol.ToWorker
		if err := p.fromLink.Read(&batch); err != nil {
			return fmt.Errorf("lost the dispatcher: %w", err)
		}
		p.forget(batch.Stop)
		p.meter.down(&batch)
		p.callers.answered(batch.Callers)
		batch.Callers = nil // they are nothing to the executor
		if err := pass(p.toLocal, p.local, &batch); err != nil {
			return fmt.Errorf("lost the executor: %w", err)
		}
	}
}

func pass(to *protocol.Writer, session transport.Session, batch any) error {
	if err := session.Control().SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return to.Write(batch)
}

// carryBulks joins each bulk channel that the executor opens with one to the
// dispatcher.
func (p *passage) carryBulks(ctx context.Context, group *errgroup.Group) {
	for {
		header, local, err := p.local.AcceptBulk(ctx)
		if err != nil {
			return // up hears of it, after what was said last
		}
		group.Go(func() error {
			p.carry(ctx, header, local)
			return nil
		})
	}
}

// carry copies what one side sends to the other: an output goes up, a blob comes
// down.
func (p *passage) carry(ctx context.Context, header []byte, local transport.Channel) {
	defer local.Close()
	var kind protocol.BulkHeader
	if err := protocol.Unmarshal(header, &kind); err != nil {
		p.Log.Warn("The executor opens a channel for nothing known", "error", err)
		return
	}
	link := openBulk(ctx, p.link, header, p.Log)
	if link == nil {
		local.Abort() // the session is over
		return
	}
	defer link.Close()
	if kind.Output != nil {
		copyOut(p.meter.measure(link), local)
	} else {
		copyOut(local, &impatient{link})
	}
}
