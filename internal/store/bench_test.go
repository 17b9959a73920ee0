package store

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// rate reports operations a second and, steadier on a busy machine, what one
// costs in processor time.
func rate(b *testing.B, unit string, run func()) {
	b.ResetTimer()
	before := processorTime(b)
	run()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), unit+"/s")
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
}

func processorTime(b *testing.B) time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkElements is the durable life of array elements, 256 to a commit:
// assigned in one, ended in another.
func BenchmarkElements(b *testing.B) { benchmarkElements(b, func(*Changes, ...octaskly.EventKind) {}) }

// BenchmarkElementsTold is the same with the three events of each life.
func BenchmarkElementsTold(b *testing.B) {
	benchmarkElements(b, func(c *Changes, kinds ...octaskly.EventKind) {
		for i := range c.Tasks {
			t := &c.Tasks[i]
			for _, k := range kinds {
				n := int64(len(c.Events))
				c.Events = append(c.Events, octaskly.Event{Seq: c.Tasks[0].Seq + n, At: t.AssignedAt, Kind: k, Owner: "me", Job: t.Job, Array: true, Index: t.Index,
					Attempt: 1, Worker: t.Worker, WorkerName: "node1", State: t.State})
			}
		}
	})
}

func benchmarkElements(b *testing.B, tell func(*Changes, ...octaskly.EventKind)) {
	s := openTemp(b)
	now := time.Now()
	job := octaskly.Job{ID: newID(s), Owner: "me", SpecVersion: 1, Spec: make([]byte, 400), Elements: octaskly.Span(0, octaskly.MaxIndex), Array: true, SubmittedAt: now}
	put(b, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{Job: job.ID}}})
	const batch = 256
	seq := int64(0)
	rate(b, "lives", func() {
		for at := 0; at < b.N; at += batch {
			assigned, ended := &Changes{Progress: []ProgressRow{{Job: job.ID}}}, &Changes{Progress: []ProgressRow{{Job: job.ID}}}
			for i := range batch {
				t := octaskly.Task{Job: job.ID, Index: octaskly.Index(at + i), State: octaskly.Assigned, Attempt: 1, Worker: "0123456789abcdef0123456789abcdef", AssignedAt: now, Seq: seq + 1}
				assigned.Tasks = append(assigned.Tasks, t)
				seq += 2
				t.State, t.StartedAt, t.EndedAt, t.Seq = octaskly.Completed, now, now, seq
				ended.Tasks = append(ended.Tasks, t)
				ended.Attempts = append(ended.Attempts, octaskly.Attempt{ID: t.Current(), Worker: t.Worker, AssignedAt: now, Seq: seq,
					End: octaskly.End{State: octaskly.Completed, StartedAt: now, EndedAt: now}})
			}
			tell(assigned, octaskly.TaskAssigned)
			tell(ended, octaskly.TaskRunning, octaskly.TaskEnded)
			put(b, s, assigned)
			put(b, s, ended)
		}
	})
	b.ReportMetric(float64(s.Size())/float64(b.N), "disk-B/op")
}

// BenchmarkSubmits is the acceptance of plain jobs, 1000 to a commit.
func BenchmarkSubmits(b *testing.B) { benchmarkSubmits(b, 1000) }

// BenchmarkSubmit is the acceptance of one plain job.
func BenchmarkSubmit(b *testing.B) { benchmarkSubmits(b, 1) }

func benchmarkSubmits(b *testing.B, batch int) {
	s := openTemp(b)
	spec := make([]byte, 400)
	rate(b, "jobs", func() {
		for at := 0; at < b.N; at += batch {
			c := &Changes{}
			for range batch {
				job := octaskly.Job{ID: newID(s), Owner: "me", SpecVersion: 1, Spec: spec, Elements: octaskly.Span(0, 0), SubmittedAt: time.Now()}
				c.Jobs = append(c.Jobs, job)
				c.Progress = append(c.Progress, ProgressRow{job.ID, octaskly.Progress{Unclaimed: job.Elements}})
			}
			put(b, s, c)
		}
	})
}

const million = 1_000_000

// BenchmarkLoadArray is a start amid an array job that is half done: a million
// of its elements have ended, 1000 are with workers.
func BenchmarkLoadArray(b *testing.B) {
	s := openTemp(b)
	job := octaskly.Job{ID: newID(s), Owner: "me", SpecVersion: 1, Spec: make([]byte, 400), Elements: octaskly.Span(0, 2*million), Array: true}
	p := octaskly.Progress{Unclaimed: octaskly.Span(million, 2*million)}
	p.Rows[octaskly.Completed], p.Rows[octaskly.Running] = million-1000, 1000
	put(b, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{job.ID, p}}})
	fill(b, s, `INSERT INTO tasks SELECT 1 << 30 | n, iif(n < 999000, 4, 3), 1, 0, 0, '0123456789abcdef0123456789abcdef', 0, '', '', 0, 1e15, 1e15, 1e15, n, 0 FROM numbers`)
	benchmarkLoad(b, s, 1, 1000)
}

// BenchmarkLoadEnded is a start after a million plain jobs; one waits.
func BenchmarkLoadEnded(b *testing.B) {
	s := millionJobs(b)
	put(b, s, plainJob(million+1))
	benchmarkLoad(b, s, 0, 0)
}

// millionJobs have all ended.
func millionJobs(b *testing.B) *Store {
	s := openTemp(b)
	fill(b, s, `INSERT INTO jobs SELECT n + 1, 'me', '', 1, zeroblob(400), '0', 0, 0, NULL, 1e15 FROM numbers`)
	fill(b, s, `INSERT INTO progress SELECT n + 1, 4, '', '', 0, 0, 0, 1, 0, 0, 0, '', 1e15, n, 0 FROM numbers`)
	fill(b, s, `INSERT INTO tasks SELECT (n + 1) << 30, 4, 1, 0, 0, '0123456789abcdef0123456789abcdef', 0, '', '', 0, 1e15, 1e15, 1e15, n, 0 FROM numbers`)
	return s
}

func fill(b *testing.B, s *Store, insert string) {
	b.Helper()
	mustExec(b, s, fmt.Sprintf(`WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < %d) `, million-1)+insert)
}

func benchmarkLoad(b *testing.B, s *Store, jobs, tasks int) {
	rate(b, "loads", func() {
		for range b.N {
			snapshot, err := s.Load(ctx)
			if err != nil || len(snapshot.Touched) != jobs || jobs > 0 && len(snapshot.Touched[0].Tasks) != tasks {
				b.Fatalf("%d jobs: %v", len(snapshot.Touched), err)
			}
		}
	})
}

// BenchmarkLists are those of a store where a million jobs have ended and a million
// wait, all of one user's; a few are another's, the oldest of all.
func BenchmarkLists(b *testing.B) {
	s := millionJobs(b)
	fill(b, s, `INSERT INTO jobs SELECT n + 1000001, 'me', '', 1, zeroblob(400), '0', 0, 0, NULL, 1e15 FROM numbers`)
	fill(b, s, `INSERT INTO progress SELECT n + 1000001, 1, '0', '', 0, 0, 0, 0, 0, 0, 0, '', 0, n, 0 FROM numbers`)
	mustExec(b, s, `UPDATE jobs SET owner = 'you' WHERE id <= 100 OR id BETWEEN 1000001 AND 1000100`)
	for name, q := range map[string]Query{
		"live":         {Live: true, Limit: 100},
		"ended":        {Ended: true, Limit: 10},
		"all":          {Limit: 100},
		"failed":       {States: []octaskly.State{octaskly.Failed}, Limit: 100},
		"completed":    {States: []octaskly.State{octaskly.Completed}, Limit: 100},
		"running":      {States: []octaskly.State{octaskly.Running}, Limit: 100},
		"live of me":   {Owner: "me", Live: true, Limit: 100},
		"live of you":  {Owner: "you", Live: true, Limit: 100},
		"ended of me":  {Owner: "me", Ended: true, Limit: 10},
		"ended of you": {Owner: "you", Ended: true, Limit: 10},
		"all of you":   {Owner: "you", Limit: 100},
		"nobody's":     {Owner: "x", Live: true, Limit: 100},
	} {
		b.Run(name, func(b *testing.B) {
			rate(b, "lists", func() {
				for range b.N {
					if _, err := s.Jobs(ctx, q); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
	b.Run("ids of all live", func(b *testing.B) {
		for range b.N {
			if ids, err := s.IDs(ctx, Query{Owner: "me", Live: true, Limit: 2 * million}); err != nil || len(ids) != million-100 {
				b.Fatal(len(ids), err)
			}
		}
	})
	b.Run("a page", func(b *testing.B) {
		rate(b, "jobs", func() {
			for range b.N {
				if page, err := s.Resting(ctx, million+1000, 2*million, 1024); err != nil || len(page) != 1024 {
					b.Fatal(len(page), err)
				}
			}
		})
	})
	b.Run("load", func(b *testing.B) { benchmarkLoad(b, s, 0, 0) })
}

// BenchmarkReads are those that people wait for, among a million plain jobs.
func BenchmarkReads(b *testing.B) {
	s := millionJobs(b)
	for name, read := range map[string]func(i int) error{
		"job":    func(i int) error { _, err := s.Job(ctx, octaskly.JobID(i*7919%million+1)); return err },
		"task":   func(i int) error { _, err := s.Task(ctx, octaskly.JobID(i*7919%million+1), 0); return err },
		"last":   func(int) error { _, err := s.LastJob(ctx, "me"); return err },
		"newest": func(int) error { _, err := s.Jobs(ctx, Query{Owner: "me", Ended: true, Limit: 100}); return err },
		"live":   func(int) error { _, err := s.Jobs(ctx, Query{Owner: "me", Live: true, Limit: 100}); return err },
		"failed": func(int) error {
			_, err := s.Jobs(ctx, Query{States: []octaskly.State{octaskly.Failed}, Limit: 100})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			rate(b, "reads", func() {
				for i := range b.N {
					if err := read(i); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
