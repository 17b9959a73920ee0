package machine

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// ledger is what the program load has been told, kept outside the machine: line
// by line as it is printed, so nothing in it was written before the dispatcher
// had said so.
type ledger struct {
	mu        sync.Mutex
	rest      []byte // of a line that is not whole yet
	round     int
	submitted map[string]int  // the round of each
	cancelled map[string]int  // likewise
	ended     map[string]fate // jobs and elements
	settled   map[string]fate // cancelled jobs, as they were found later
	refused   []string
	awaited   string // the kind of line that reached waits for; empty: any
	left      int    // of these, until reached is closed
	reached   chan struct{}
}

// Kinds of lines that load prints.
const (
	submitted = "submitted"
	cancelled = "cancelled"
	ended     = "ended"
	refused   = "refused"
)

// fate is how a task is, or how it ended and when that was seen.
type fate struct {
	state   string
	attempt int
	round   int
}

func newLedger() *ledger {
	return &ledger{submitted: map[string]int{}, cancelled: map[string]int{}, ended: map[string]fate{}, settled: map[string]fate{}}
}

// await closes a channel after n more lines of a kind, or of any kind.
func (l *ledger) await(kind string, n int) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.awaited, l.left, l.reached = kind, n, make(chan struct{})
	return l.reached
}

func (l *ledger) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		l.rest = rest
		if err := l.take(string(line)); err != nil {
			return len(p), err
		}
	}
}

func (l *ledger) take(line string) error {
	kind, more, _ := strings.Cut(line, " ")
	switch kind {
	case submitted:
		l.submitted[more] = l.round
	case cancelled:
		l.cancelled[more] = l.round
	case ended:
		id, f, err := parseFate(more)
		if err != nil {
			return err
		}
		f.round = l.round
		l.ended[id] = f
	case refused:
		l.refused = append(l.refused, more)
		return nil
	default:
		return fmt.Errorf("load says %q", line)
	}
	if kind == l.awaited || l.awaited == "" {
		if l.left--; l.left == 0 {
			close(l.reached)
		}
	}
	return nil
}

func parseFate(text string) (id string, f fate, err error) {
	_, err = fmt.Sscan(text, &id, &f.state, &f.attempt)
	return id, f, err
}

func (l *ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%d submitted, %d cancelled, %d jobs and elements seen ended, %d calls refused",
		len(l.submitted), len(l.cancelled), len(l.ended), len(l.refused))
}

// list is all jobs from first on, and their elements, as the dispatcher has them.
func (s *site) list(first int) map[string]fate {
	s.Helper()
	all := map[string]fate{}
	for line := range strings.Lines(s.sh(fmt.Sprintf("/root/load list %d", max(first, 1)))) {
		id, f, err := parseFate(line)
		if err != nil {
			s.Fatalf("load list says %q: %v", line, err)
		}
		all[id] = f
	}
	return all
}

// jobOf is the number of a job, or of an element's job.
func jobOf(id string) int {
	job, _, _ := strings.Cut(id, ".")
	n, _ := strconv.Atoi(job)
	return n
}

// recent is the first job of the latest two rounds.
func (l *ledger) recent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := math.MaxInt
	for id, round := range l.submitted {
		if round >= l.round-1 {
			first = min(first, jobOf(id))
		}
	}
	return first
}

// survives begins another round, in which what was acknowledged lately must hold.
// The tallies look at all of it.
func (l *ledger) survives(s *site) {
	s.Helper()
	l.mu.Lock()
	l.rest = nil // a line that is cut off was not said
	l.round++
	l.mu.Unlock()
	first := l.recent()
	l.holds(s.T, first, s.list(first))
}

// holds compares what was acknowledged with what the dispatcher has.
func (l *ledger) holds(t *testing.T, first int, now map[string]fate) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, round := range l.submitted {
		if _, there := now[id]; !there && jobOf(id) >= first {
			t.Errorf("job %s, accepted in round %d, is lost", id, round)
		}
	}
	for id, round := range l.cancelled {
		is := now[id]
		if jobOf(id) < first {
			continue
		}
		if was, known := l.settled[id]; is.state == "queued" || known && is.attempt != was.attempt {
			t.Errorf("the cancel of job %s, accepted in round %d, is undone: it is %s, attempt %d", id, round, is.state, is.attempt)
		}
		l.settled[id] = is
	}
	for id, was := range l.ended {
		if is := now[id]; jobOf(id) >= first && (is.state != was.state || is.attempt != was.attempt) {
			t.Errorf("%s was seen in round %d as %s, attempt %d; it is %q, attempt %d", id, was.round, was.state, was.attempt, is.state, is.attempt)
		}
	}
	if t.Failed() {
		t.FailNow() // each further round would say the same
	}
}

// execution is a line that a task has written into its own ledger.
type execution struct {
	task    string
	attempt int
}

// executions are all of them. None is there twice.
func (s *site) executions() map[execution]bool {
	s.Helper()
	all := map[execution]bool{}
	for line := range strings.Lines(s.sh("cat /srv/ledger/log")) {
		var e execution
		if _, err := fmt.Sscan(line, &e.task, &e.attempt); err != nil {
			s.Errorf("the ledger of tasks says %q: %v", line, err)
		} else if all[e] {
			s.Errorf("attempt %d of task %s ran twice", e.attempt, e.task)
		}
		all[e] = true
	}
	return all
}

// tallies compares the two ledgers and the dispatcher when nothing is left to do:
// every task is over, what completed has run, and nothing ran that the dispatcher
// does not know of, such as an attempt after the one whose end was seen.
func (l *ledger) tallies(t *testing.T, now map[string]fate, ran map[execution]bool) {
	t.Helper()
	l.holds(t, 1, now)
	for id, f := range now {
		if f.state != "completed" && f.state != "cancelled" {
			t.Errorf("%s is %s, attempt %d", id, f.state, f.attempt)
		}
		if f.state == "completed" && f.attempt > 0 && !ran[execution{id, f.attempt}] {
			t.Errorf("task %s completed with attempt %d, which has not run", id, f.attempt)
		}
	}
	for e := range ran {
		if is := now[e.task]; e.attempt > is.attempt {
			t.Errorf("attempt %d of task %s ran; the latest that the dispatcher has is %d", e.attempt, e.task, is.attempt)
		}
	}
	if len(l.ended) == 0 || len(l.cancelled) == 0 {
		t.Errorf("that was no load: %v", l)
	}
}

// repeated is how often a task ran that had run before.
func repeated(ran map[execution]bool) int {
	tasks := map[string]bool{}
	for e := range ran {
		tasks[e.task] = true
	}
	return len(ran) - len(tasks)
}
