package executor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

// Offer puts attempts at the end of the FIFO. The head waits until its Room fits
// into what is free; nothing overtakes it. An attempt that is held already is
// not taken twice, and the first one of another generation makes the executor
// drop all it holds of the one before. One that this executor can never run ends
// at once.
//
// It fails with ErrFull where more are held than a dispatcher ever sends: what
// the executor remembers must not grow with what somebody asks for.
func (x *Executor) Offer(attempts []*Attempt) error {
	for _, a := range attempts {
		if x.full() {
			return ErrFull
		}
		x.offer(a)
	}
	return nil
}

// ErrFull says that an executor holds too many attempts.
var ErrFull = errors.New("the executor holds too many attempts to take another one")

// maxHeld is how many attempts an executor holds; a hello that lists so many fits
// into a frame.
const maxHeld = 1 << 15

func (x *Executor) full() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.entries) >= maxHeld
}

func (x *Executor) offer(a *Attempt) {
	x.mu.Lock()
	refused := x.refuse(a)
	old := x.turn(a.Generation)
	e := x.enter(a)
	switch {
	case e == nil:
	case refused != nil:
		e.phase = leaving
	default:
		x.fifo = append(x.fifo, e)
		x.more.Signal()
	}
	x.mu.Unlock()
	x.discard(old)
	if e != nil && refused != nil {
		x.finish(e, refused.end(), false)
	}
}

// turn makes generation the current one and returns what that forgets.
func (x *Executor) turn(generation string) (old []*entry) {
	if generation == x.generation {
		return nil
	}
	for _, e := range x.entries {
		old = append(old, x.dropLocked(e)...)
	}
	x.sift()
	x.generation = generation
	return old
}

// enter makes an entry for a, unless there is one.
func (x *Executor) enter(a *Attempt) *entry {
	if x.over || x.entries[a.ID] != nil {
		return nil
	}
	x.serial++
	e := &entry{Attempt: a, serial: x.serial, file: outputName(a.ID, x.serial)}
	e.output = x.newOutput(e)
	x.entries[a.ID] = e
	return e
}

func (x *Executor) newOutput(e *entry) *spool.Log {
	return spool.Create(spool.Options{Path: x.path(e.file), Limit: e.MaxOutput, Head: headOfOutput})
}

// headOfOutput is how much output stays in memory: with the marks that closing
// it may add it fits into octaskly.InlineOutput.
const headOfOutput = octaskly.InlineOutput - 64

func outputName(id octaskly.AttemptID, serial uint64) string {
	b := append(make([]byte, 0, 64), "output/"...)
	b = append(strconv.AppendInt(b, int64(id.Job), 10), '.')
	b = append(strconv.AppendInt(b, id.Index, 10), '.')
	b = append(strconv.AppendInt(b, int64(id.Number), 10), '-')
	return string(strconv.AppendUint(b, serial, 10))
}

// refuse says why this executor can never run a, if so.
func (x *Executor) refuse(a *Attempt) *failure {
	if a.Err != nil {
		return failuref(octaskly.ReasonExecutor, "%v", a.Err)
	}
	if a.Spec.AtMostOne && x.lease.length == 0 {
		return failuref(octaskly.ReasonLacks(octaskly.AtMostOne), "worker %q is not told how long the dispatcher trusts it, so it cannot stop the task in time: the dispatcher or the worker is older than its executor; upgrade it", x.worker)
	}
	if !a.Spec.HasSecrets(a.Secrets) {
		return failuref(octaskly.ReasonLacks(octaskly.SecretEnv), "worker %q has not been given the secret environment: the dispatcher or the worker is older than its executor; upgrade it", x.worker)
	}
	for _, needs := range [][]string{a.Spec.Needs, needsOf(a.Spec)} {
		for _, need := range needs {
			if !slices.Contains(x.offered, need) {
				return failuref(octaskly.ReasonLacks(need), "worker %q does not offer %s; octasklyctl worker show says why", x.worker, need)
			}
		}
	}
	for name, n := range a.Spec.Room {
		if x.room[name] < n {
			return failuref(octaskly.ReasonLacks(name), "worker %q has %s %d in all, the task asks for %d", x.worker, name, x.room[name], n)
		}
	}
	return nil
}

// needsOf are the features that a spec takes whatever its Needs say.
func needsOf(spec *octaskly.Spec) []string {
	needs := append(spec.Limits.Needs(), levelOf(spec).Feature())
	if spec.HostNetwork && spec.Level > octaskly.LevelBasic {
		needs = append(needs, octaskly.NetworkHost)
	}
	if len(spec.SecretNames) > 0 {
		needs = append(needs, octaskly.SecretEnv)
	}
	return needs
}

// next waits for the head of the FIFO and takes it for s. It returns nil when
// nothing is started any more.
func (x *Executor) next(s *slot) *entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.busy--
	x.calm.Broadcast()
	for !x.over && !s.last {
		if i := x.headLocked(); i >= 0 {
			e := x.takeLocked(i)
			for name, n := range e.Spec.Room {
				x.free[name] -= n
			}
			e.phase, e.slot, s.worker = running, s, x.worker
			x.busy++
			if len(x.fifo) > 0 {
				x.more.Signal()
			}
			return e
		}
		x.more.Wait()
	}
	return nil
}

// headLocked is the place in the FIFO of the one whose turn it is, or -1. One that
// waits for the lease to be renewed lets others go first.
func (x *Executor) headLocked() int {
	if x.paused {
		return -1
	}
	for i, e := range x.fifo {
		if e.Spec.AtMostOne {
			if t, _ := x.lease.at(Now()); t != trusted {
				continue
			}
		}
		if !x.free.Fits(e.Spec.Room) {
			return -1
		}
		return i
	}
	return -1
}

func (x *Executor) takeLocked(i int) *entry {
	e := x.fifo[i]
	if i == 0 {
		x.fifo[0], x.fifo = nil, x.fifo[1:]
	} else {
		x.fifo = slices.Delete(x.fifo, i, i+1)
	}
	return e
}

// vacate gives an entry's room out again. The slot that calls it looks at the
// FIFO next, and wakes another one if there is more.
func (x *Executor) vacate(e *entry) {
	if e.phase != running {
		return
	}
	for name, n := range e.Spec.Room {
		x.free[name] += n
	}
}

// Recall takes attempts back that have not started and returns them. They are
// forgotten.
func (x *Executor) Recall(ids []octaskly.AttemptID) (recalled []octaskly.AttemptID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range ids {
		if e := x.entries[id]; e != nil && e.phase == queued {
			e.forgotten = true
			delete(x.entries, id)
			recalled = append(recalled, id)
		}
	}
	x.sift()
	return recalled
}

// sift takes forgotten and ended entries out of the FIFO. What is then at its
// head may fit.
func (x *Executor) sift() {
	x.fifo = slices.DeleteFunc(x.fifo, func(e *entry) bool { return e.forgotten || e.phase != queued })
	x.more.Signal()
}

// Idle reports whether nothing waits to be started.
func (x *Executor) Idle() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.fifo) == 0
}

// Call says how the fleet calls this machine from now on: OCTASKLY_WORKER, and
// messages.
func (x *Executor) Call(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.worker = name
}

// Inputs returns the blobs that waiting attempts are going to read, and for which
// jobs.
func (x *Executor) Inputs() map[octaskly.Blob][]octaskly.JobID {
	x.mu.Lock()
	defer x.mu.Unlock()
	inputs := map[octaskly.Blob][]octaskly.JobID{}
	for _, e := range x.fifo {
		if blob := e.Spec.Stdin; blob != "" && !slices.Contains(inputs[blob], e.ID.Job) {
			inputs[blob] = append(inputs[blob], e.ID.Job)
		}
	}
	return inputs
}

// copyRoom returns a copy that is never nil.
func copyRoom(r octaskly.Room) octaskly.Room {
	c := octaskly.Room{}
	maps.Copy(c, r)
	return c
}

// failure is why a command could not be executed.
type failure struct {
	reason octaskly.Reason
	detail string
}

// end is how an attempt ends that could not be executed.
func (f *failure) end() octaskly.End {
	end := octaskly.End{State: octaskly.Failed, Reason: f.reason, Detail: f.detail, EndedAt: time.Now()}
	if f == errLapsed { // which is nobody's fault
		end.State = octaskly.Cancelled
	}
	return end
}

func failuref(reason octaskly.Reason, format string, args ...any) *failure {
	return &failure{reason, fmt.Sprintf(format, args...)}
}
