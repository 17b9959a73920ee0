package executor

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/resources"
	"github.com/octaskly/octaskly/internal/sandbox"
)

// kind is what boxes have to have in common to be one as good as the other.
type kind struct {
	level   octaskly.Level
	network bool // the machine's
}

func kindOf(spec *octaskly.Spec) kind { return kind{spec.Level, spec.HostNetwork} }

// boxes makes boxes, some of them before there is a task for them: a start takes
// half the time then. Each has a group of its own and never more than one task.
type boxes struct {
	starters map[kind]*sandbox.Starter
	kept     resources.Containment
	null     int
	ahead    int // how many wait for tasks
	log      *slog.Logger

	kick    chan struct{}
	filling sync.Mutex // held while boxes are made ahead

	mu     sync.Mutex
	serial int
	wanted kind // of the latest task
	held   bool // none is made ahead
	ready  map[kind][]*prepared
	count  int // of ready
}

// prepared is a box that waits for its task.
type prepared struct {
	box   *sandbox.Box
	group resources.Group
	name  string // of the group
	pidfd int
}

// openBoxes goes on after the number of the latest box that an earlier program of
// this process has made.
func openBoxes(cfg *Config, kept resources.Containment, null, before int) (*boxes, error) {
	b := &boxes{
		serial:   before,
		starters: map[kind]*sandbox.Starter{}, kept: kept, null: null, ahead: min(cfg.Slots, maxAhead), log: cfg.Log,
		kick: make(chan struct{}, 1), ready: map[kind][]*prepared{},
	}
	host, err := sandbox.Probe()
	if err != nil {
		return nil, err
	}
	for _, k := range kinds(&cfg.Boxes) {
		if b.starters[k], err = sandbox.NewStarter(cfg.Boxes.Init, k.level, k.network, host); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// maxAhead bounds the boxes that wait: each takes 6 MB.
const maxAhead = 8

// kinds are those that may be asked for. Level basic has the machine's network as
// it has its files; what is stricter has it by the operator's grant.
func kinds(cfg *Boxes) []kind {
	list := []kind{{octaskly.LevelBasic, true}, {octaskly.LevelBasic, false}, {octaskly.LevelStrict, false}, {octaskly.LevelVeryStrict, false}}
	if cfg.AllowHostNetwork {
		list = append(list, kind{octaskly.LevelStrict, true})
	}
	return list
}

// take returns a box that nobody has had before, and whether it has waited.
func (b *boxes) take(k kind) (p *prepared, waited bool, err error) {
	b.mu.Lock()
	b.wanted = k
	p = b.pop(k)
	b.mu.Unlock()
	if p != nil {
		return p, true, nil
	}
	p, err = b.make(k)
	return p, false, err
}

// refill has what was taken replaced. It is for when a command has ended, or turns
// out to take long: before, it would only be in its way.
func (x *Executor) refill() {
	if x.boxes == nil { // those of an earlier program may have ended
		return
	}
	select {
	case x.boxes.kick <- struct{}{}:
	default:
	}
}

func (b *boxes) pop(k kind) *prepared {
	list := b.ready[k]
	if len(list) == 0 {
		return nil
	}
	p := list[0] // that has waited longest, and so is ready
	b.ready[k] = list[1:]
	b.count--
	return p
}

// make starts a box. It does not wait until it is furnished.
func (b *boxes) make(k kind) (*prepared, error) {
	starter := b.starters[k]
	if starter == nil {
		return nil, errors.New("there are no such boxes here")
	}
	b.mu.Lock()
	b.serial++
	p := &prepared{name: "box-" + strconv.Itoa(b.serial), pidfd: -1}
	b.mu.Unlock()
	var err error
	if p.group, err = b.kept.Group(p.name); err != nil {
		return nil, err
	}
	if p.box, err = starter.Open(); err == nil {
		path, argv, attr := p.box.Command(uintptr(b.null))
		attr.Sys.PidFD = &p.pidfd
		if err = p.group.Start(path, argv, attr, nil); err != nil {
			err = fmt.Errorf("cannot execute %q: %w", path, err)
		}
	}
	if err == nil {
		err = p.box.Furnish()
	}
	if err != nil {
		return nil, errors.Join(err, p.discard())
	}
	return p, nil
}

// discard ends a box that has no task.
func (p *prepared) discard() error {
	if p.box != nil {
		p.box.Close()
	}
	var err error
	if p.group.PID() != 0 {
		if err = p.group.Kill(); err == nil {
			_, err = p.group.Clear(killPatience)
		}
		if err == nil {
			_, err = p.group.Reap(nil)
		}
	}
	if p.pidfd >= 0 {
		unix.Close(p.pidfd)
	}
	return errors.Join(err, p.group.Close())
}

// fill makes boxes ahead until stop is closed.
func (b *boxes) fill(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-b.kick:
		}
		for b.fillOne(stop) {
		}
	}
}

// fillOne makes one more box of the kind that the latest task had, in the place of
// one of another kind if there are enough. It reports whether to go on.
func (b *boxes) fillOne(stop <-chan struct{}) bool {
	b.filling.Lock()
	defer b.filling.Unlock()
	select {
	case <-stop:
		return false
	default:
	}
	k, old, wanted := b.next()
	if old != nil {
		b.tell(old.discard())
	}
	if !wanted {
		return false
	}
	p, err := b.make(k)
	if err != nil {
		b.tell(err)
		return false // the next task will see
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready[k] = append(b.ready[k], p)
	b.count++
	return true
}

func (b *boxes) next() (k kind, old *prepared, wanted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k = b.wanted
	if b.held || len(b.ready[k]) >= b.ahead {
		return k, nil, false
	}
	if b.count >= b.ahead {
		for other := range b.ready {
			if old == nil && other != k {
				old = b.pop(other)
			}
		}
	}
	return k, old, true
}

func (b *boxes) tell(err error) {
	if err != nil {
		b.log.Warn("A box cannot be made ahead, or ended", "error", err)
	}
}

// hold ends all boxes that wait, and makes none ahead until release.
func (b *boxes) hold() {
	b.mu.Lock()
	b.held = true
	b.mu.Unlock()
	b.filling.Lock() // whoever fills is through
	defer b.filling.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	for k := range b.ready {
		for p := b.pop(k); p != nil; p = b.pop(k) {
			b.tell(p.discard())
		}
	}
}

// addPIDs adds those of the boxes that wait.
func (b *boxes) addPIDs(pids map[int]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, list := range b.ready {
		for _, p := range list {
			pids[p.group.PID()] = true
		}
	}
}

func (b *boxes) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = false
}
