package worker

import (
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// Whatever is repeated after a session has broken, each command counts once.
func TestMeter(t *testing.T) {
	id := func(job octaskly.JobID) octaskly.AttemptID { return octaskly.AttemptID{Job: job, Number: 1} }
	end := func(job octaskly.JobID, started bool) protocol.Finished {
		f := protocol.Finished{ID: id(job), Output: []byte("xx")}
		if started {
			f.End.StartedAt = time.Unix(1, 0)
		}
		return f
	}
	var m meter
	m.up(&protocol.FromWorker{Hello: &protocol.Hello{Held: []protocol.Held{{ID: id(1), State: octaskly.Running, StartedAt: time.Unix(1, 0)}, {ID: id(2), State: octaskly.Assigned}}}})
	m.down(&protocol.ToWorker{Assign: []protocol.Assign{{Elements: octaskly.Span(0, 9)}, {Elements: octaskly.Ranges{{}}}}})
	m.up(&protocol.FromWorker{Started: []protocol.Started{{ID: id(2)}}})
	m.up(&protocol.FromWorker{Finished: []protocol.Finished{end(1, true), end(2, true), end(3, true), end(4, false)}})
	m.down(&protocol.ToWorker{Ack: []octaskly.AttemptID{id(1), id(4)}})

	m.up(&protocol.FromWorker{Hello: &protocol.Hello{Held: []protocol.Held{
		{ID: id(2), State: octaskly.Completed, StartedAt: time.Unix(1, 0)}, {ID: id(3), State: octaskly.Completed, StartedAt: time.Unix(1, 0)},
		{ID: id(6), State: octaskly.Running, StartedAt: time.Unix(1, 0)}, {ID: id(7), State: octaskly.Assigned},
	}}})
	m.up(&protocol.FromWorker{Finished: []protocol.Finished{end(2, true), end(3, true)}})
	m.down(&protocol.ToWorker{Ack: []octaskly.AttemptID{id(2), id(3)}})
	m.up(&protocol.FromWorker{Started: []protocol.Started{{ID: id(5)}, {ID: id(6)}}})
	m.down(&protocol.ToWorker{Stop: []protocol.Stop{{ID: id(5), Drop: true}, {ID: id(6), Drop: true}}})

	got := []int64{m.offered.Value(), m.started.Value(), m.ended.Value(), m.output.Value()}
	for i, want := range []int64{10, 4, 4, 12} { // started: 2, 3, 5 and 6
		if got[i] != want {
			t.Errorf("counted %v", got)
		}
	}
	if len(m.begun) > 0 {
		t.Errorf("it remembers %v for ever", m.begun)
	}
}
