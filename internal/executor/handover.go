package executor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

// The version rises with a change that fields cannot express. A handover has the
// lowest that does, so that an older program may take over where it can.
const (
	plainHandover   = 1
	leasedHandover  = 2 // there are attempts that end with the lease
	secretHandover  = 3 // there are attempts with a secret environment that have yet to start
	guardedHandover = 4 // there is a guard, which kills unless it is told of renewals
)

// Handover is what an executor leaves to the next program in the same process
// (execve(2)): the children, the descriptors and the memory of what they are for.
// Ends are not in it; those are in ends.log. Like protocol's messages it is CBOR
// whose fields are only ever added.
type Handover struct {
	Version    int             `cbor:"1,keyasint"`
	Feature    string          `cbor:"2,keyasint"` // of the containment
	Generation string          `cbor:"3,keyasint,omitempty"`
	Serial     uint64          `cbor:"4,keyasint"`
	Specs      []octaskly.Spec `cbor:"5,keyasint,omitempty"`
	Attempts   []handedOver    `cbor:"6,keyasint,omitempty"` // those that wait in the order of the FIFO
	Boxes      int             `cbor:"7,keyasint,omitempty"` // how many there have been: their names are numbers
	Offered    []string        `cbor:"8,keyasint,omitempty"` // features, of its self-test
	Renewed    Moment          `cbor:"9,keyasint,omitempty"` // this and Lease: see lease
	Lease      time.Duration   `cbor:"10,keyasint,omitempty"`
	Secrets    [][]string      `cbor:"11,keyasint,omitempty"` // of Specs, one each; what runs has its own already
	Guard      *handedGuard    `cbor:"12,keyasint,omitempty"` // nil: there is nothing to guard
}

// handedGuard is the guard process, a child of this one, and the socket to it.
type handedGuard struct {
	PID int `cbor:"1,keyasint"`
	FD  int `cbor:"2,keyasint"`
}

// handedOver is an attempt that has not ended.
type handedOver struct {
	ID        octaskly.AttemptID `cbor:"1,keyasint"`
	Serial    uint64             `cbor:"2,keyasint"`
	Spec      int                `cbor:"3,keyasint"` // of Handover.Specs
	Array     bool               `cbor:"4,keyasint,omitempty"`
	Item      string             `cbor:"5,keyasint,omitempty"`
	StdinPath string             `cbor:"6,keyasint,omitempty"`
	MaxOutput int64              `cbor:"7,keyasint,omitempty"`
	Running   *command           `cbor:"8,keyasint,omitempty"` // nil: it waits
}

// command is one that runs. Its descriptors keep their numbers.
type command struct {
	Slot      string       `cbor:"1,keyasint"`
	Workspace string       `cbor:"2,keyasint"`
	PID       int          `cbor:"3,keyasint"`
	PidFD     int          `cbor:"4,keyasint"`
	Pipes     []handedPipe `cbor:"5,keyasint,omitempty"`
	Marks     []string     `cbor:"6,keyasint"`
	Output    string       `cbor:"7,keyasint,omitempty"` // file with the output so far; none: there was none
	StartedAt time.Time    `cbor:"8,keyasint"`
	Began     int64        `cbor:"9,keyasint"` // monotonic, see ticks
	Deadline  int64        `cbor:"10,keyasint,omitempty"`
	Step      step         `cbor:"11,keyasint,omitempty"`
	Cause     ending       `cbor:"12,keyasint,omitempty"`
	Wish      wish         `cbor:"13,keyasint,omitempty"`
	Box       *handedBox   `cbor:"14,keyasint,omitempty"` // nil: level none
	Project   uint32       `cbor:"15,keyasint,omitempty"` // whose quota its workspace has
	Lapsed    bool         `cbor:"16,keyasint,omitempty"`
}

// handedBox is the box of a command: its PID is octaskly-init's, and Workspace
// the room.
type handedBox struct {
	Name string `cbor:"1,keyasint"`
	FD   int    `cbor:"2,keyasint"` // to octaskly-init
}

type handedPipe struct {
	Stream spool.Stream `cbor:"1,keyasint"`
	Read   int          `cbor:"2,keyasint"`
	Write  int          `cbor:"3,keyasint"`
}

// HandOver brings everything to rest and calls next with what the next program
// needs, and with the descriptors that it must inherit. Next executes that
// program and returns only if it failed; then everything goes on as before. No
// other method of x may be called meanwhile.
func (x *Executor) HandOver(next func(h *Handover, descriptors []int) error) error {
	if err := x.handOver(next); err != nil {
		return fmt.Errorf("cannot hand commands over to the next program: %w", err)
	}
	return nil
}

// calmPatience is how long a pause may take to begin.
const calmPatience = 5 * time.Second

func (x *Executor) handOver(next func(*Handover, []int) error) error {
	if err := x.pause(calmPatience); err != nil {
		return err
	}
	defer x.proceed()
	if x.boxes != nil {
		x.boxes.hold()
		defer x.boxes.release()
	}
	if err := x.journal.settle(); err != nil {
		return err
	}
	guard, err := x.guard.process.hold()
	defer x.guard.process.proceed()
	if err != nil {
		return err
	}
	h, err := x.record()
	if err != nil {
		return err
	}
	h.takeAlong(guard)
	return next(h, h.descriptors())
}

// record writes down what is queued and running.
func (x *Executor) record() (*Handover, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over {
		return nil, errors.New("it is being stopped")
	}
	h := &Handover{Version: plainHandover, Feature: x.kept.Feature(), Generation: x.generation, Serial: x.serial}
	h.Offered, h.Renewed, h.Lease = x.offered, x.lease.renewed, x.lease.length
	if x.boxes != nil {
		h.Boxes = x.boxes.serial
	}
	specs := map[*octaskly.Spec]int{}
	for _, e := range x.fifo {
		h.add(e, specs)
		h.confide(e, specs[e.Spec])
	}
	for _, s := range x.slots {
		if s.watching == nil {
			continue
		}
		one := h.add(s.watching.e, specs)
		var err error
		if one.Running, err = s.watching.record(); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// add writes an attempt down.
func (h *Handover) add(e *entry, specs map[*octaskly.Spec]int) *handedOver {
	if e.Spec.AtMostOne {
		h.Version = max(h.Version, leasedHandover)
	}
	i, known := specs[e.Spec]
	if !known {
		i = len(h.Specs)
		specs[e.Spec] = i
		h.Specs = append(h.Specs, *e.Spec)
	}
	h.Attempts = append(h.Attempts, handedOver{
		ID: e.ID, Serial: e.serial, Spec: i, Array: e.Array, Item: e.Item, StdinPath: e.StdinPath, MaxOutput: e.MaxOutput,
	})
	return &h.Attempts[len(h.Attempts)-1]
}

// takeAlong hands the guard over, if there is one.
func (h *Handover) takeAlong(guard *handedGuard) {
	if h.Guard = guard; guard != nil {
		h.Version = guardedHandover
	}
}

// guard is the guard that is to go on, if any.
func (h *Handover) guard() *handedGuard {
	if h == nil {
		return nil
	}
	return h.Guard
}

// confide hands over what an attempt has yet to be given.
func (h *Handover) confide(e *entry, spec int) {
	if len(e.Secrets) == 0 {
		return
	}
	h.Version = max(h.Version, secretHandover)
	for len(h.Secrets) <= spec {
		h.Secrets = append(h.Secrets, nil)
	}
	h.Secrets[spec] = e.Secrets
}

// secrets are those of an attempt that waits.
func (h *Handover) secrets(spec int) []string {
	if spec < len(h.Secrets) {
		return h.Secrets[spec]
	}
	return nil
}

// record writes a running command down. A dropped one counts as well: it is not
// gone yet.
func (w *watcher) record() (*command, error) {
	s, e := w.s, w.e
	if err := e.output.Flush(); err != nil {
		return nil, err
	}
	c := &command{
		Slot: s.name, Workspace: s.space.path, PID: s.group.PID(), PidFD: s.pidfd,
		Marks:     s.marks(),
		StartedAt: w.began, Began: ticks(w.began), Deadline: ticks(w.deadline),
		Step: w.step, Cause: w.cause, Wish: e.wish, Project: s.project, Lapsed: e.lapsed,
	}
	if s.box != nil {
		c.Box, c.Workspace = &handedBox{s.boxName, s.box.Descriptor()}, s.room.path
	}
	if e.output.Size() > 0 {
		c.Output = e.file
	}
	for _, p := range s.pipes {
		c.Pipes = append(c.Pipes, handedPipe{p.stream, p.read, p.write})
	}
	return c, nil
}

// marks tell a command from all others, where groups have no better way.
func (s *slot) marks() []string {
	if s.box != nil {
		return nil
	}
	return slices.Clone(s.env[len(s.env)-markCount:])
}

// ticks is a time by CLOCK_MONOTONIC, in nanoseconds, 0 for none: it means the
// same in the next program, whatever happens to the clock on the wall.
func ticks(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return monotonic() + time.Until(t).Nanoseconds()
}

// timeOf undoes ticks.
func timeOf(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(n - monotonic()))
}

func (h *Handover) commands() (list []*command) {
	if h == nil {
		return nil
	}
	for i := range h.Attempts {
		if c := h.Attempts[i].Running; c != nil {
			list = append(list, c)
		}
	}
	return list
}

// descriptors lists what the next program must inherit.
func (h *Handover) descriptors() (list []int) {
	if h.Guard != nil {
		list = append(list, h.Guard.FD)
	}
	for _, c := range h.commands() {
		list = append(list, c.PidFD)
		if c.Box != nil {
			list = append(list, c.Box.FD)
		}
		for _, p := range c.Pipes {
			list = append(list, p.Read, p.Write)
		}
	}
	return list
}

// feature is the containment that is to go on, if any.
func (h *Handover) feature() string {
	if h == nil {
		return ""
	}
	return h.Feature
}

// files are the outputs in use.
func (h *Handover) files() (list []string) {
	for _, c := range h.commands() {
		list = append(list, c.Output)
	}
	return list
}

// workspaces are the directories in use.
func (h *Handover) workspaces() (list []string) {
	for _, c := range h.commands() {
		list = append(list, c.Workspace)
	}
	return list
}

// Check says whether this program can take over.
func (h *Handover) Check() error {
	if h.Version < plainHandover || h.Version > guardedHandover {
		return fmt.Errorf("cannot take commands over: they are handed over by version %d of the rules, this program knows versions up to %d", h.Version, guardedHandover)
	}
	if g := h.Guard; g != nil && (g.PID <= 1 || g.FD <= 2) {
		return errors.New("cannot take commands over: the guard is malformed")
	}
	for _, a := range h.Attempts {
		if a.Spec < 0 || a.Spec >= len(h.Specs) {
			return fmt.Errorf("cannot take commands over: attempt %v has no spec", a.ID)
		}
		if a.Running == nil && !h.Specs[a.Spec].HasSecrets(h.secrets(a.Spec)) {
			return fmt.Errorf("cannot take commands over: attempt %v lacks its secret environment", a.ID)
		}
		if c := a.Running; c != nil && (c.PID <= 1 || len(c.Pipes) > 2 || strings.Contains(c.Slot, "/") || c.Box != nil && strings.Contains(c.Box.Name, "/")) {
			return fmt.Errorf("cannot take commands over: attempt %v is malformed", a.ID)
		}
	}
	return nil
}
