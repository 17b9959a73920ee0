package executor

import (
	"log/slog"
	"maps"
	"sync"
	"time"
)

// guardProcess keeps a guard process for as long as there is something to guard: it
// starts it, tells it what is to be guarded and until when, starts another one where
// it dies or hangs, and waits for its end. See Guard for the other side.
type guardProcess struct {
	argv        []string
	containment string
	log         *slog.Logger
	kick        chan struct{} // there is something to tell
	stop, over  chan struct{} // closed to end tend, and when it has ended

	telling sync.Mutex  // held while the child is talked to, ended or started
	child   *guardChild // nil: there is none
	lost    bool        // there was one, which was not asked to end

	mu      sync.Mutex
	until   Moment
	charges map[uint64]charge // by the serial of the attempt
	waiting map[uint64]chan error
}

// guardIdle is how long a guard without anything to guard is kept.
const guardIdle = time.Minute

func newGuardProcess(argv []string, log *slog.Logger) *guardProcess {
	return &guardProcess{
		argv: argv, log: log, kick: make(chan struct{}, 1), stop: make(chan struct{}),
		charges: map[uint64]charge{}, waiting: map[uint64]chan error{},
	}
}

// open tries whether a guard can be had, and goes on with one from before. What
// that has to know of the lease is known by now.
func (g *guardProcess) open(containment string, old *handedGuard) (why error) {
	g.containment = containment
	if g.child, why = inheritGuard(old); why == nil && g.child == nil {
		g.child, why = startGuard(g.argv, containment)
	} else if why == nil {
		maps.Copy(g.child.told, g.charges)
	}
	if why == nil {
		why = g.child.tellUntil(g.until)
	}
	if why != nil {
		g.giveUp()
	}
	g.over = make(chan struct{})
	go g.tend()
	g.wake()
	return why
}

// close ends the guard, which first kills what it still has to guard.
func (g *guardProcess) close() error {
	if g.over == nil {
		return nil
	}
	close(g.stop)
	<-g.over
	return g.dismiss()
}

// dismiss ends the guard.
func (g *guardProcess) dismiss() error {
	g.telling.Lock()
	defer g.telling.Unlock()
	if g.child == nil {
		return nil
	}
	child := g.child
	g.child = nil
	return child.end()
}

// tend keeps the child up to date.
func (g *guardProcess) tend() {
	defer close(g.over)
	idle := time.NewTimer(guardIdle)
	defer idle.Stop()
	for {
		g.telling.Lock()
		gone := g.child.gone()
		g.telling.Unlock()
		select {
		case <-g.stop:
			return
		case <-g.kick:
		case <-gone:
			g.bury(gone)
		case <-idle.C:
			if !g.needed() {
				g.complain(g.dismiss())
			}
		}
		g.tell()
		idle.Reset(guardIdle)
	}
}

// bury lets a dead child go.
func (g *guardProcess) bury(gone <-chan struct{}) {
	g.telling.Lock()
	defer g.telling.Unlock()
	if g.child.gone() == gone {
		g.log.Warn("The guard has ended, and nobody has asked it to", "pid", g.child.process.Pid)
		g.giveUp()
	}
}

// giveUp ends the child, whatever it does.
func (g *guardProcess) giveUp() {
	if g.child != nil {
		g.complain(g.child.kill())
		g.child, g.lost = nil, true
	}
}

func (g *guardProcess) complain(err error) {
	if err != nil {
		g.log.Error("A guard does not end", "error", err)
	}
}

func (g *guardProcess) needed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.charges) > 0
}

// renew is how long all attempts may live.
func (g *guardProcess) renew(until Moment) {
	g.mu.Lock()
	g.until = until
	needed := len(g.charges) > 0
	g.mu.Unlock()
	if needed {
		g.wake()
	}
}

func (g *guardProcess) wake() {
	select {
	case g.kick <- struct{}{}:
	default:
	}
}

// hold brings the child up to date, or ends it if nobody needs it, and leaves it
// alone until proceed. It returns what is to be handed over.
func (g *guardProcess) hold() (*handedGuard, error) {
	if !g.needed() {
		g.complain(g.dismiss())
	}
	g.telling.Lock()
	g.tellHeld()
	if g.child == nil {
		return nil, nil
	}
	fd, err := g.child.descriptor()
	return &handedGuard{PID: g.child.process.Pid, FD: fd}, err
}

func (g *guardProcess) proceed() {
	g.telling.Unlock()
	g.wake()
}

// addPID adds the child's.
func (g *guardProcess) addPID(pids map[int]bool) {
	g.telling.Lock()
	defer g.telling.Unlock()
	if g.child != nil {
		pids[g.child.process.Pid] = true
	}
}
