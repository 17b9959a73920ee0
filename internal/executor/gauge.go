package executor

import (
	"fmt"
	"runtime"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/units"
)

// How often it is looked how much a command uses.
const (
	firstLook = time.Second
	lookEvery = 5 * time.Second
	soonest   = 20 * time.Millisecond
)

// look measures what the command uses, and ends it when that is more processor
// time than it may. The kernel sees to the other limits.
func (w *watcher) look() {
	if isolated(w.e.Spec) {
		w.s.x.refill() // by now it is no short one
	}
	u, err := w.s.measure(w.e)
	if err != nil {
		w.s.x.log.Warn("It is not known what a command uses", "attempt", w.e.ID.String(), "error", err)
	}
	limit := w.e.Spec.Limits.CPUTime
	if limit > 0 && u.CPUTime >= limit && w.step < killed {
		w.cause = outOfTime
		w.kill()
	}
	w.next = time.Now().Add(untilNextLook(limit, u.CPUTime, lookEvery))
}

// untilNextLook is half of the time that a limit lasts when all processors work
// for the command, within bounds.
func untilNextLook(limit, used, most time.Duration) time.Duration {
	if limit == 0 {
		return most
	}
	return min(most, max(soonest, (limit-used)/time.Duration(2*runtime.NumCPU())))
}

// measure keeps what an attempt uses now and has used at most, for Usage.
func (s *slot) measure(e *entry) (octaskly.Usage, error) {
	u, err := s.group.Usage()
	if err == nil && s.project != 0 && s.x.disk != nil {
		u.Disk, err = s.x.disk.Usage(s.project)
	}
	s.x.mu.Lock()
	defer s.x.mu.Unlock()
	u.DiskPeak = max(u.Disk, e.usage.DiskPeak)
	if err == nil {
		e.usage = u
	}
	return u, err
}

// Usage returns what each running attempt uses, as of its slot's latest look.
func (x *Executor) Usage() (list []protocol.Usage) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.entries {
		if e.phase == running && e.usage != (octaskly.Usage{}) {
			list = append(list, protocol.Usage{ID: e.ID, Usage: e.usage})
		}
	}
	return list
}

// struck is the limit that a command has met, if any. Ask before its group is
// cleared.
func (s *slot) struck(e *entry) octaskly.Reason {
	if reason := s.group.Struck(); reason != "" {
		return reason
	}
	if e.Spec.Limits.Disk == 0 || s.x.disk == nil {
		return ""
	}
	if full, err := s.x.disk.Full(s.project); err == nil && full {
		return octaskly.ReasonDisk
	}
	return ""
}

// judge says of an end which limit it comes from. One that the command has met
// and coped with makes no difference.
func judge(end *octaskly.End, spec *octaskly.Spec, struck octaskly.Reason) {
	own := end.Reason
	switch {
	case end.Reason == octaskly.ReasonTimeout:
		end.Limit, end.Peak = int64(spec.Timeout), int64(end.EndedAt.Sub(end.StartedAt))
		return
	case end.Reason == octaskly.ReasonCPUTime:
	case end.State == octaskly.Failed && struck != "":
		end.Reason = struck
	default:
		return
	}
	l := limitOf(end.Reason, spec, &end.Usage)
	end.Limit, end.Peak = l.limit, l.peak
	end.Detail = l.text()
	if own.Kind() == "exit" {
		end.Detail = fmt.Sprintf("it failed with exit code %s, after: %s", own.Value(), end.Detail)
	}
}

// met is a limit that a command has met.
type met struct {
	limit, peak int64
	what        string // in a sentence with its amount
	flag        string
	write       func(int64) string
}

func limitOf(reason octaskly.Reason, spec *octaskly.Spec, u *octaskly.Usage) met {
	l := &spec.Limits
	switch reason {
	case octaskly.ReasonCPUTime:
		return met{int64(l.CPUTime), int64(u.CPUTime), "%s of processor time", "--cpu-time", func(n int64) string { return units.Duration(n).Human() }}
	case octaskly.ReasonOOM:
		return met{l.Memory, u.MemoryPeak, "%s of memory", "--memory", func(n int64) string { return units.Size(n).Human() }}
	case octaskly.ReasonDisk:
		return met{l.Disk, u.DiskPeak, "%s of disk", "--disk", func(n int64) string { return units.Size(n).Human() }}
	}
	return met{l.Processes, u.ProcessesPeak, "%s processes and threads", "--processes", func(n int64) string { return fmt.Sprint(n) }}
}

func (m met) text() string {
	if m.limit == 0 || m.flag == "--disk" && m.peak < m.limit/2 {
		return "the machine has no more to give than " + fmt.Sprintf(m.what, m.write(m.peak))
	}
	return fmt.Sprintf("its limit of "+m.what+" is reached (at most %s were in use); %s raises it", m.write(m.limit), m.write(m.peak), m.flag)
}
