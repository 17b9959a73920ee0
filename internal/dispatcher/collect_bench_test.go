package dispatcher

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// BenchmarkSubmit is how long submits take, one after the other, while nothing is
// collected and while 100,000 jobs are.
func BenchmarkSubmit(b *testing.B) {
	for _, age := range []time.Duration{100 * day, day} {
		b.Run(map[bool]string{true: "beside", false: "alone"}[age == day], func(b *testing.B) {
			l := goLive(b, octaskly.Policy{}, func(d *Dispatcher) {
				d.MaxQueued = 1 << 40
				d.Retention, d.collector.start = Retention{Age: age}, 0
			}, func(d *Dispatcher) { fillPast(b, d.store) })
			for l.d.collector.sweptAt.IsZero() { // the benchmark is of what follows
				time.Sleep(time.Millisecond)
			}
			took := make([]time.Duration, 0, b.N)
			b.ResetTimer()
			for range b.N {
				began := time.Now()
				_, _, err := l.d.Submit(context.Background(), me, &api.Order{
					Job: octaskly.Job{Elements: octaskly.Span(0, 0)}, Spec: octaskly.Spec{Argv: []string{"true"}},
				})
				if err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			b.StopTimer()
			slices.Sort(took)
			for _, p := range []int{50, 99, 100} {
				b.ReportMetric(float64(took[(len(took)-1)*p/100].Microseconds()), fmt.Sprintf("p%d-µs", p))
			}
			b.ReportMetric(float64(l.d.collector.removed.Load()), "collected")
		})
	}
}

// fillPast makes 100,000 jobs that ended two days ago.
func fillPast(b *testing.B, s Store) {
	at := time.Now().Add(-2 * day)
	for seq := int64(0); seq < 100_000; {
		c := &store.Changes{}
		for range 1000 {
			seq++
			id, err := s.NextJobID()
			if err != nil {
				b.Fatal(err)
			}
			p := octaskly.Progress{EndedAt: at, Seq: seq}
			p.Rows[octaskly.Completed] = 1
			task := octaskly.Task{Job: id, State: octaskly.Completed, Attempt: 1, Worker: "0123456789abcdef0123456789abcdef", EndedAt: at, Seq: seq}
			c.Jobs = append(c.Jobs, octaskly.Job{ID: id, Owner: me.Name, SpecVersion: 1, Spec: make([]byte, 300), Elements: octaskly.Span(0, 0), SubmittedAt: at})
			c.Progress = append(c.Progress, store.ProgressRow{Job: id, Progress: p})
			c.Tasks = append(c.Tasks, task)
			c.Attempts = append(c.Attempts, octaskly.Attempt{ID: task.Current(), Worker: task.Worker, Seq: seq, Inline: make([]byte, 200), End: octaskly.End{State: octaskly.Completed}})
		}
		c.Seq = seq
		if err := s.Commit(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
}
