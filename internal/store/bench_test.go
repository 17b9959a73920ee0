package store

import (
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// BenchmarkElements is the durable life of array elements, 256 to a commit:
// assigned in one, ended in another.
func BenchmarkElements(b *testing.B) {
	s := openTemp(b)
	now := time.Now()
	job := octaskly.Job{ID: s.NextJobID(), Owner: "me", SpecVersion: 1, Spec: make([]byte, 400), Elements: octaskly.Span(0, octaskly.MaxIndex), Array: true, SubmittedAt: now}
	put(b, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{Job: job.ID}}})
	const batch = 256
	b.ResetTimer()
	seq := int64(0)
	for at := 0; at < b.N; at += batch {
		assigned, ended := &Changes{Progress: []ProgressRow{{Job: job.ID}}}, &Changes{Progress: []ProgressRow{{Job: job.ID}}}
		for i := range batch {
			seq++
			t := octaskly.Task{Job: job.ID, Index: octaskly.Index(at + i), State: octaskly.Assigned, Attempt: 1, Worker: "0123456789abcdef0123456789abcdef", AssignedAt: now, Seq: seq}
			assigned.Tasks = append(assigned.Tasks, t)
			seq++
			t.State, t.StartedAt, t.EndedAt, t.Seq = octaskly.Completed, now, now, seq
			ended.Tasks = append(ended.Tasks, t)
			ended.Attempts = append(ended.Attempts, octaskly.Attempt{ID: t.Current(), Worker: t.Worker, AssignedAt: now, Seq: seq,
				End: octaskly.End{State: octaskly.Completed, StartedAt: now, EndedAt: now}})
		}
		put(b, s, assigned)
		put(b, s, ended)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lives/s")
}

// BenchmarkSubmits is the acceptance of plain jobs, 1000 to a commit.
func BenchmarkSubmits(b *testing.B) {
	s := openTemp(b)
	spec := make([]byte, 400)
	b.ResetTimer()
	for at := 0; at < b.N; at += 1000 {
		c := &Changes{}
		for range 1000 {
			job := octaskly.Job{ID: s.NextJobID(), Owner: "me", SpecVersion: 1, Spec: spec, Elements: octaskly.Span(0, 0), SubmittedAt: time.Now()}
			c.Jobs = append(c.Jobs, job)
			c.Progress = append(c.Progress, ProgressRow{job.ID, octaskly.Progress{Unclaimed: job.Elements}})
		}
		put(b, s, c)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}
