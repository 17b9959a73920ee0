package store

import (
	"cmp"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// model is what an engine should know, in maps.
type model struct {
	jobs     map[octaskly.JobID]octaskly.Job
	progress map[octaskly.JobID]octaskly.Progress
	tasks    map[octaskly.TaskID]octaskly.Task // without the Array of a name
	attempts map[octaskly.AttemptID]octaskly.Attempt
	workers  map[octaskly.WorkerID]octaskly.Worker
	seq      int64
	totals   octaskly.Counts
	queued   int64
	live     int64
	events   []octaskly.Event
	accounts
}

func (m *model) apply(c *Changes) {
	for _, j := range c.Jobs {
		m.jobs[j.ID] = j
	}
	for _, p := range c.Progress {
		m.progress[p.Job] = p.Progress
	}
	for _, t := range c.Tasks {
		m.tasks[octaskly.TaskID{Job: t.Job, Index: t.Index}] = t
	}
	for _, a := range c.Attempts {
		m.attempts[a.ID] = a
	}
	for _, w := range c.Workers {
		m.workers[w.ID] = w
	}
	m.actions = append(m.actions, c.Actions...)
	m.events = append(m.events, c.Events...)
	m.seq, m.queued, m.live = c.Seq, c.Queued, c.Live
	for _, s := range octaskly.States {
		m.totals[s] += c.Ended[s]
	}
}

// testModel writes random changes, reopens at random, and compares all reads
// with those of the model.
func testModel(t *testing.T, open opener) {
	rapid.Check(t, func(r *rapid.T) {
		path := filepath.Join(t.TempDir(), "octaskly.db")
		s := open(t, path)
		defer func() { s.Close() }()
		m := &model{
			jobs: map[octaskly.JobID]octaskly.Job{}, progress: map[octaskly.JobID]octaskly.Progress{},
			tasks: map[octaskly.TaskID]octaskly.Task{}, attempts: map[octaskly.AttemptID]octaskly.Attempt{},
			workers: map[octaskly.WorkerID]octaskly.Worker{}, accounts: noAccounts(),
		}
		for range rapid.IntRange(1, 5).Draw(r, "commits") {
			c := m.draw(r, s)
			if rapid.IntRange(0, 5).Draw(r, "broken") == 0 && len(m.jobs) > 0 {
				broken := *c
				broken.Jobs = append(slices.Clone(c.Jobs), first(m.jobs))
				if s.Commit(ctx, &broken) == nil {
					r.Fatal("one id was given to two jobs")
				}
			} else if err := s.Commit(ctx, c); err != nil {
				r.Fatal(err)
			} else {
				m.apply(c)
			}
			for range rapid.IntRange(0, 2).Draw(r, "records") {
				records := drawRecords(r)
				if err := s.Record(ctx, records); err != nil {
					r.Fatal(err)
				}
				m.accounts.apply(records)
			}
			if rapid.IntRange(0, 5).Draw(r, "reopen") == 0 {
				m.compare(r, s)
				if err := s.Close(); err != nil {
					r.Fatal(err)
				}
				s = open(t, path)
			}
		}
		m.compare(r, s)
	})
}

func first[K cmp.Ordered, V any](m map[K]V) V { return m[slices.Min(slices.Collect(maps.Keys(m)))] }

// draw makes changes that may follow on what m knows.
func (m *model) draw(r *rapid.T, s engine) *Changes {
	c := &Changes{
		Seq:    m.seq + rapid.Int64Range(0, 100).Draw(r, "seq"),
		Queued: rapid.Int64Range(0, 9).Draw(r, "queued"), Live: rapid.Int64Range(0, 9).Draw(r, "live"),
	}
	known := slices.Sorted(maps.Keys(m.jobs))
	for range rapid.IntRange(0, 3).Draw(r, "jobs") {
		job := drawJob(r, newID(s))
		if !m.hasKey(c, job.Owner, job.Key) {
			c.Jobs, known = append(c.Jobs, job), append(known, job.ID)
			c.Progress = append(c.Progress, ProgressRow{job.ID, drawProgress(r)})
		}
	}
	if len(known) > 0 {
		some := rapid.SampledFrom(known)
		for range rapid.IntRange(0, 3).Draw(r, "progress") {
			c.Progress = append(c.Progress, ProgressRow{some.Draw(r, "job"), drawProgress(r)})
		}
		for range rapid.IntRange(0, 5).Draw(r, "tasks") {
			c.Tasks = append(c.Tasks, drawTask(r, some.Draw(r, "job")))
		}
		for range rapid.IntRange(0, 3).Draw(r, "attempts") {
			a := drawAttempt(r, some.Draw(r, "job"))
			a.ID.Number = len(m.attempts) + len(c.Attempts) + 1
			a.Seq = int64(a.ID.Number)
			c.Attempts = append(c.Attempts, a)
		}
	}
	c.Actions = drawActions(r)
	c.Events = drawEvents(r, m.seq, c.Seq)
	for range rapid.IntRange(0, 2).Draw(r, "workers") {
		c.Workers = append(c.Workers, drawWorker(r))
	}
	for _, s := range []octaskly.State{octaskly.Completed, octaskly.Failed, octaskly.TimedOut, octaskly.Cancelled} {
		c.Ended[s] = rapid.Int64Range(-1, 5).Draw(r, "ended") // fewer: retried
	}
	return c
}

func (m *model) hasKey(c *Changes, owner, key string) bool {
	same := func(j octaskly.Job) bool { return key != "" && j.Owner == owner && j.Key == key }
	return slices.ContainsFunc(c.Jobs, same) || slices.ContainsFunc(slices.Collect(maps.Values(m.jobs)), same)
}

func (m *model) compare(r *rapid.T, s engine) {
	r.Helper()
	snapshot, err := s.Load(ctx)
	equal(r, "Load", m.snapshot(), snapshot, err)
	totals, err := s.Totals(ctx)
	equal(r, "Totals", m.totals, totals, err)
	for id, job := range m.jobs {
		record, err := s.Job(ctx, id)
		equal(r, "Job", m.record(id), *record, err)
		if job.Key != "" {
			found, err := s.JobByKey(ctx, job.Owner, job.Key)
			equal(r, "JobByKey", id, found, err)
		}
	}
	q := drawQuery(r)
	records, err := s.Jobs(ctx, q)
	equal(r, "Jobs", m.query(q), records, err)
	ids, err := s.IDs(ctx, q)
	equal(r, "IDs", m.ids(q), ids, err)
	m.compareLive(r, s)
	m.compareLast(r, s, q.Owner)
	m.compareTasks(r, s)
	m.compareAttempts(r, s)
	m.compareEvents(r, s)
	m.accounts.compare(r, s)
}

func (m *model) compareLast(r *rapid.T, s engine, owner string) {
	last, err := s.LastJob(ctx, owner)
	newest := m.query(Query{Owner: owner, Limit: 1})
	if len(newest) == 0 && errors.Is(err, octaskly.ErrNotFound) {
		return
	}
	equal(r, "LastJob", newest[0].Job.ID, last, err)
}

func (m *model) compareTasks(r *rapid.T, s engine) {
	for id, want := range m.tasks {
		t, err := s.Task(ctx, id.Job, id.Index)
		equal(r, "Task", &want, t, err)
	}
	job := octaskly.JobID(rapid.IntRange(0, 9).Draw(r, "job"))
	states := rapid.SliceOfN(rapid.SampledFrom(octaskly.States), 0, 3).Draw(r, "states")
	from, limit := rapid.Int64Range(-1, octaskly.MaxIndex+1).Draw(r, "from"), rapid.IntRange(-1, 9).Draw(r, "limit")
	tasks, err := s.Tasks(ctx, job, states, from, limit)
	want := m.tasksOf(job, func(t octaskly.Task) bool {
		return t.Index >= from && (len(states) == 0 || slices.Contains(states, t.State))
	})
	want = want[:min(len(want), max(limit, 0))]
	if err != nil || !slices.Equal(want, tasks) {
		r.Fatalf("Tasks: %v (-want +got):\n%s", err, gocmp.Diff(want, tasks))
	}
}

func (m *model) compareAttempts(r *rapid.T, s engine) {
	of := map[octaskly.TaskID][]octaskly.Attempt{}
	for id, a := range m.attempts {
		inline, stored, err := s.Output(ctx, id)
		equal(r, "Output", a.Inline, inline, err)
		equal(r, "stored", a.End.Output.Stored, stored, err)
		a.Inline = nil
		task := octaskly.TaskID{Job: id.Job, Index: id.Index}
		of[task] = append(of[task], a)
	}
	for id, want := range of {
		slices.SortFunc(want, func(a, b octaskly.Attempt) int { return cmp.Compare(a.ID.Number, b.ID.Number) })
		attempts, err := s.Attempts(ctx, id.Job, id.Index)
		equal(r, "Attempts", want, attempts, err)
	}
}

func equal(r *rapid.T, what string, want, got any, err error) {
	r.Helper()
	if err != nil || !reflect.DeepEqual(want, got) {
		r.Fatalf("%s: %v (-want +got):\n%s", what, err, gocmp.Diff(want, got))
	}
}

func (m *model) snapshot() *Snapshot {
	s := &Snapshot{Seq: m.seq, Totals: m.totals, Queued: m.queued, Live: m.live}
	for _, id := range slices.Sorted(maps.Keys(m.workers)) {
		s.Workers = append(s.Workers, m.workers[id])
	}
	for _, id := range slices.Sorted(maps.Keys(m.jobs)) {
		p := m.progress[id]
		if !p.EndedAt.IsZero() {
			continue
		}
		s.Last = id
		if !rests(&p) {
			tasks := m.tasksOf(id, func(t octaskly.Task) bool { return !t.State.Terminal() })
			s.Touched = append(s.Touched, LiveJob{m.jobs[id], p, tasks})
		}
	}
	return s
}

func rests(p *octaskly.Progress) bool {
	return p.Rows[octaskly.Queued]+p.Rows[octaskly.Assigned]+p.Rows[octaskly.Running] == 0
}

// liveJobs are those that are not over and fit, oldest first, without their tasks.
func (m *model) liveJobs(fits func(octaskly.JobID, octaskly.Progress) bool) (found []LiveJob) {
	for _, id := range slices.Sorted(maps.Keys(m.jobs)) {
		if p := m.progress[id]; p.EndedAt.IsZero() && fits(id, p) {
			found = append(found, LiveJob{Job: m.jobs[id], Progress: p})
		}
	}
	return found
}

func (m *model) compareLive(r *rapid.T, s engine) {
	r.Helper()
	id := rapid.Custom(func(r *rapid.T) octaskly.JobID { return octaskly.JobID(rapid.IntRange(0, 9).Draw(r, "id")) })
	after, upTo, limit := id.Draw(r, "after"), id.Draw(r, "up to"), rapid.IntRange(-1, 4).Draw(r, "limit")
	want := m.liveJobs(func(id octaskly.JobID, p octaskly.Progress) bool { return rests(&p) && id > after && id <= upTo })
	page, err := s.Resting(ctx, after, upTo, limit)
	want = want[:min(len(want), max(limit, 0))]
	equal(r, "Resting", append([]LiveJob{}, want...), append([]LiveJob{}, page...), err)
	wanted := slices.Compact(slices.Sorted(slices.Values(rapid.SliceOfN(id, 0, 5).Draw(r, "wanted"))))
	some, err := s.Live(ctx, wanted)
	equal(r, "Live", m.liveJobs(func(id octaskly.JobID, _ octaskly.Progress) bool { return slices.Contains(wanted, id) }), some, err)
}

func (m *model) ids(q Query) (ids []octaskly.JobID) {
	for _, r := range m.query(q) {
		ids = append(ids, r.Job.ID)
	}
	return ids
}

func (m *model) tasksOf(job octaskly.JobID, fits func(octaskly.Task) bool) (tasks []octaskly.Task) {
	for id, t := range m.tasks {
		if id.Job == job && fits(t) {
			tasks = append(tasks, t)
		}
	}
	slices.SortFunc(tasks, func(a, b octaskly.Task) int { return cmp.Compare(a.Index, b.Index) })
	return tasks
}

func (m *model) record(id octaskly.JobID) Record {
	r := Record{Job: m.jobs[id], Progress: m.progress[id]}
	if t, ok := m.tasks[octaskly.TaskID{Job: id}]; ok && !r.Job.Array {
		r.Task = &t
	}
	return r
}

func (m *model) query(q Query) (records []Record) {
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(m.jobs))) {
		r := m.record(id)
		over := !r.Progress.EndedAt.IsZero()
		fits := (q.Owner == "" || q.Owner == r.Job.Owner) &&
			(q.IDs == nil || q.IDs.Contains(octaskly.Index(id))) &&
			(len(q.States) == 0 || slices.Contains(q.States, r.Progress.Count().State())) &&
			(q.Live == q.Ended || q.Ended == over) &&
			(q.Before == 0 || id < q.Before)
		if fits && len(records) < q.Limit {
			records = append(records, r)
		}
	}
	return records
}
