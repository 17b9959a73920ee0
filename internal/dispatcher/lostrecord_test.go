package dispatcher

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/store"
)

// A task that is over and whose attempts are gone does not read as one that wrote
// nothing; one that never had any does.
func TestLostRecord(t *testing.T) {
	at := time.Now().UTC().Truncate(time.Second)
	spec, err := protocol.EncodeSpec(&octaskly.Spec{Argv: []string{"true"}})
	if err != nil {
		t.Fatal(err)
	}
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) {
		c := &store.Changes{}
		for id, state := range []octaskly.State{octaskly.Completed, octaskly.Cancelled} {
			id := octaskly.JobID(id + 1)
			p := octaskly.Progress{EndedAt: at}
			p.Rows[state] = 1
			task := octaskly.Task{Job: id, State: state, Attempt: 1, EndedAt: at, Worker: "0123456789abcdef"}
			if state == octaskly.Completed {
				task.StartedAt = at
			}
			c.Jobs = append(c.Jobs, octaskly.Job{ID: id, Owner: me.Name, SpecVersion: octaskly.SpecVersion, Spec: spec, Elements: octaskly.Span(0, 0)})
			c.Progress, c.Tasks = append(c.Progress, store.ProgressRow{Job: id, Progress: p}), append(c.Tasks, task)
			if _, err := d.store.NextJobID(); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.store.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	})
	for _, follow := range []bool{false, true} {
		for id, lost := range map[octaskly.JobID]bool{1: true, 2: false} {
			out, err := l.d.Output(t.Context(), me, octaskly.TaskID{Job: id}, 0, follow)
			if err == nil {
				_, err = io.ReadAll(out)
				out.Close()
			}
			if errors.Is(err, octaskly.ErrGone) != lost || lost && !strings.Contains(err.Error(), lostRecord) || !lost && err != nil {
				t.Errorf("output of %d, follow %v: %v", id, follow, err)
			}
			if d := l.show(octaskly.TaskID{Job: id}); strings.Contains(d.Detail, lostRecord) != lost {
				t.Errorf("task %d: %q", id, d.Detail)
			}
		}
	}
}
