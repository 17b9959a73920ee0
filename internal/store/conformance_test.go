package store

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// engine is what every database must do alike.
type engine interface {
	Generation() string
	Divided() time.Time
	NextJobID() (octaskly.JobID, error)
	Commit(context.Context, *Changes) error
	Load(context.Context) (*Snapshot, error)
	Resting(ctx context.Context, after, upTo octaskly.JobID, limit int) ([]LiveJob, error)
	Live(context.Context, []octaskly.JobID) ([]LiveJob, error)
	IDs(context.Context, Query) ([]octaskly.JobID, error)
	Job(context.Context, octaskly.JobID) (*Record, error)
	JobByKey(ctx context.Context, owner, key string) (octaskly.JobID, error)
	LastJob(ctx context.Context, owner string) (octaskly.JobID, error)
	Jobs(context.Context, Query) ([]Record, error)
	Task(context.Context, octaskly.JobID, octaskly.Index) (*octaskly.Task, error)
	Tasks(context.Context, octaskly.JobID, []octaskly.State, octaskly.Index, int) ([]octaskly.Task, error)
	Attempts(context.Context, octaskly.JobID, octaskly.Index) ([]octaskly.Attempt, error)
	Output(context.Context, octaskly.AttemptID) ([]byte, int64, error)
	Totals(context.Context) (octaskly.Counts, error)
	EventsAfter(context.Context, int64) (*EventPage, error)
	EventsBefore(context.Context, int64) (*EventPage, error)
	EventBytes(context.Context) (int64, error)
	OldEvents(ctx context.Context, bytes int64) (upTo int64, err error)
	RemoveEvents(ctx context.Context, upTo int64) (done bool, err error)
	FleetID() string
	Record(context.Context, *Records) error
	Users(context.Context) ([]octaskly.User, error)
	Tokens(context.Context) ([]octaskly.Token, error)
	SigningKeys(context.Context) ([]octaskly.SigningKey, error)
	Identities(context.Context) ([]octaskly.Identity, error)
	Invites(context.Context) ([]octaskly.Invite, error)
	Removals(context.Context) ([]octaskly.Removal, error)
	Actions(context.Context, ActionQuery) ([]octaskly.Action, error)
	LastAction(context.Context) (*octaskly.Action, error)
	VerifyActions(context.Context, *octaskly.Action) (*ActionReport, error)
	Close() error
}

// opener opens the database that a path stands for, anew or once more.
type opener func(t testing.TB, path string) engine

// engines are the databases that there are.
var engines = map[string]opener{
	"sqlite": func(t testing.TB, path string) engine {
		s := openAt(t, path)
		mustExec(t, s, `PRAGMA synchronous = OFF`) // no power cut is expected here
		return s
	},
}

// TestConformance holds every engine to the same behaviour.
func TestConformance(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			t.Run("round trip", func(t *testing.T) { testRoundTrip(t, open) })
			t.Run("jobs", func(t *testing.T) { testJobs(t, open) })
			t.Run("many rows", func(t *testing.T) { testManyRows(t, open) })
			t.Run("usage", func(t *testing.T) { testUsage(t, open) })
			t.Run("keys", func(t *testing.T) { testKeys(t, open) })
			t.Run("all or nothing", func(t *testing.T) { testAllOrNothing(t, open) })
			t.Run("ids", func(t *testing.T) { testIDs(t, open) })
			t.Run("names", func(t *testing.T) { testNames(t, open) })
			t.Run("many ranges", func(t *testing.T) { testManyRanges(t, open) })
			t.Run("contexts", func(t *testing.T) { testContexts(t, open) })
			t.Run("events", func(t *testing.T) { testEvents(t, open) })
			t.Run("removed events", func(t *testing.T) { testRemovedEvents(t, open) })
			t.Run("accounts", func(t *testing.T) { testAccounts(t, open) })
			t.Run("roster", func(t *testing.T) { testRoster(t, open) })
			t.Run("actions", func(t *testing.T) { testActions(t, open) })
			t.Run("long log", func(t *testing.T) { testLongLog(t, open) })
			t.Run("model", func(t *testing.T) { testModel(t, open) })
		})
	}
}

// However many rows a commit has, the last word on each of them is what stays,
// and a broken one among them breaks all.
func testManyRows(t *testing.T, open opener) {
	for _, n := range []int{1, 15, 16, 17, 100} {
		s := open(t, filepath.Join(t.TempDir(), "octaskly.db"))
		c := manyRows(n)
		broken := manyRows(n)
		broken.Attempts = slices.Insert(broken.Attempts, n/2+1, broken.Attempts[0])
		if err := s.Commit(ctx, broken); err == nil {
			t.Errorf("%d rows: an attempt has ended twice", n)
		}
		put(t, s, c)
		records, err := s.Jobs(ctx, Query{Limit: 2 * n})
		if err != nil || len(records) != n {
			t.Fatalf("%d rows: %d jobs, %v", n, len(records), err)
		}
		for i, r := range records {
			id := n - i
			same(t, "Jobs", Record{Job: c.Jobs[id-1], Progress: c.Progress[n+id-1].Progress, Task: &c.Tasks[n+id-1]}, r, nil)
			attempts, err := s.Attempts(ctx, octaskly.JobID(id), 0)
			same(t, "Attempts", c.Attempts[id-1:id], attempts, err)
		}
	}
}

// manyRows are n jobs, each with an attempt and its progress and task twice.
func manyRows(n int) *Changes {
	c := &Changes{}
	for id := range octaskly.JobID(n) {
		c.Jobs = append(c.Jobs, plainJob(id+1).Jobs...)
		c.Attempts = append(c.Attempts, octaskly.Attempt{ID: octaskly.AttemptID{Job: id + 1, Number: 1}, Seq: int64(id) + 1})
	}
	for _, state := range []octaskly.State{octaskly.Assigned, octaskly.Completed} {
		for id := range octaskly.JobID(n) {
			c.Progress = append(c.Progress, ProgressRow{id + 1, octaskly.Progress{Seq: int64(state)}})
			c.Tasks = append(c.Tasks, octaskly.Task{Job: id + 1, State: state, Attempt: 1})
		}
	}
	return c
}

// An owner's key is good for one job.
func testKeys(t *testing.T, open opener) {
	s := open(t, filepath.Join(t.TempDir(), "octaskly.db"))
	keyed := func(owner, key string) error {
		job := octaskly.Job{ID: newID(s), Owner: owner, Key: key, SpecVersion: 1, Spec: []byte{0xa0}, Elements: octaskly.Span(0, 0)}
		return s.Commit(ctx, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{Job: job.ID}}})
	}
	for _, test := range []struct {
		owner, key string
		fine       bool
	}{{"alice", "k", true}, {"bob", "k", true}, {"alice", "", true}, {"alice", "", true}, {"alice", "k", false}} {
		if err := keyed(test.owner, test.key); (err == nil) != test.fine {
			t.Errorf("key %q of %s: %v", test.key, test.owner, err)
		}
	}
}

// Ids go on where they ended, and a database keeps its name.
func testIDs(t *testing.T, open opener) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s := open(t, path)
	generation, fleet := s.Generation(), s.FleetID()
	if len(fleet) != 26 || fleet == generation {
		t.Errorf("fleet %q, generation %q", fleet, generation)
	}
	if len(generation) < 26 {
		t.Errorf("%q has less than 128 bits", generation)
	}
	for want := range octaskly.JobID(3) {
		if id := newID(s); id != want+1 {
			t.Errorf("job %v is given id %v", want+1, id)
		}
	}
	put(t, s, plainJob(3))
	s.Close()
	s = open(t, path)
	if id := newID(s); id != 4 {
		t.Errorf("after job 3 comes %v", id)
	}
	if again := s.Generation(); again != generation {
		t.Errorf("%q is called %q now", generation, again)
	}
	if again := s.FleetID(); again != fleet {
		t.Errorf("fleet %q is called %q now", fleet, again)
	}
	if other := open(t, filepath.Join(t.TempDir(), "octaskly.db")).Generation(); other == generation {
		t.Error("two databases have one name")
	}
}

// plainJob accepts a job of one task.
func plainJob(id octaskly.JobID) *Changes {
	job := octaskly.Job{ID: id, Owner: "me", SpecVersion: 1, Spec: []byte{0xa0}, Elements: octaskly.Span(0, 0)}
	return &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{id, octaskly.Progress{Unclaimed: job.Elements}}}}
}

// Names that no task can have find nothing, not another task.
func testNames(t *testing.T, open opener) {
	s := open(t, filepath.Join(t.TempDir(), "octaskly.db"))
	c := plainJob(1)
	for _, i := range []octaskly.Index{0, 1, octaskly.MaxIndex} {
		task := octaskly.Task{Job: 1, Index: i, State: octaskly.Failed, Attempt: 1}
		c.Tasks = append(c.Tasks, task)
		c.Attempts = append(c.Attempts, octaskly.Attempt{ID: task.Current(), Seq: i + 1})
	}
	put(t, s, c)
	for _, name := range []octaskly.TaskID{
		{Job: 0}, {Job: -1}, {Job: 2}, {Job: math.MaxInt64}, {Job: math.MinInt64}, {Job: 1 + 1<<34}, {Job: 1 + 1<<34, Index: 1},
		{Job: 1, Index: -1}, {Job: 1, Index: 2}, {Job: 1, Index: octaskly.MaxIndex + 1}, {Job: 1, Index: math.MaxInt64},
		{Job: 0, Index: 1 << 30}, {Job: 2, Index: -1 << 30},
	} {
		if _, err := s.Task(ctx, name.Job, name.Index); !errors.Is(err, octaskly.ErrNotFound) {
			t.Errorf("Task of %+v: %v", name, err)
		}
		if _, _, err := s.Output(ctx, octaskly.AttemptID{Job: name.Job, Index: name.Index, Number: 1}); !errors.Is(err, octaskly.ErrNotFound) {
			t.Errorf("Output of %+v: %v", name, err)
		}
		if found, err := s.Attempts(ctx, name.Job, name.Index); len(found) > 0 || err != nil {
			t.Errorf("Attempts of %+v: %v, %v", name, found, err)
		}
		if found, err := s.Tasks(ctx, name.Job, nil, name.Index, 9); name.Job != 1 && (len(found) > 0 || err != nil) {
			t.Errorf("Tasks of %+v: %v, %v", name, found, err)
		}
		if name.Job == 1 {
			continue
		}
		if err := s.Commit(ctx, &Changes{Tasks: []octaskly.Task{{Job: name.Job, Index: name.Index + octaskly.MaxIndex + 1}}}); err == nil {
			t.Errorf("a task past the last index of job %v is stored", name.Job)
		}
	}
}

// More ranges than anyone may type come about by cancelling again and again, and
// any number of jobs can be asked for.
func testManyRanges(t *testing.T, open opener) {
	s := open(t, filepath.Join(t.TempDir(), "octaskly.db"))
	var scattered octaskly.Ranges
	for i := range octaskly.Index(25_000) {
		scattered = append(scattered, octaskly.Range{Lo: 1 + 3*i, Hi: 1 + 3*i, Step: 1})
	}
	c := plainJob(7)
	c.Progress[0].Unclaimed, c.Progress[0].Dropped = scattered, scattered[:maxPart]
	put(t, s, c)
	record, err := s.Job(ctx, 7)
	same(t, "Job", &Record{Job: c.Jobs[0], Progress: c.Progress[0].Progress}, record, err)
	records, err := s.Jobs(ctx, Query{IDs: scattered[:1100], Limit: 100})
	same(t, "Jobs", []Record{*record}, records, err)
}

// Whatever becomes of the contexts, what Commit answers is so, and others are
// not disturbed.
func testContexts(t *testing.T, open opener) {
	s := open(t, filepath.Join(t.TempDir(), "octaskly.db"))
	for round := range 20 {
		ending, end := context.WithCancel(ctx)
		var group sync.WaitGroup
		group.Go(end)
		for range 3 {
			id := newID(s)
			group.Go(func() {
				committed := s.Commit(ending, plainJob(id))
				if _, err := s.Job(ctx, id); (err == nil) != (committed == nil) {
					t.Errorf("Commit: %v, then Job: %v", committed, err)
				}
			})
			group.Go(func() {
				if _, err := s.Jobs(ending, Query{Limit: 100}); err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("Jobs: %v", err)
				}
			})
		}
		group.Wait()
		if _, err := s.Load(ending); !errors.Is(err, context.Canceled) {
			t.Fatalf("round %d: Load in a context that is over: %v", round, err)
		}
		if _, err := s.Load(ctx); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

// A commit that fails in its midst leaves nothing.
func testAllOrNothing(t *testing.T, open opener) {
	s := open(t, filepath.Join(t.TempDir(), "octaskly.db"))
	job := octaskly.Job{ID: newID(s), Owner: "me", SpecVersion: 1, Spec: []byte{0xa0}, Elements: octaskly.Span(0, 0)}
	twice := &Changes{Seq: 5, Jobs: []octaskly.Job{job, job}, Progress: []ProgressRow{{Job: job.ID}}}
	if err := s.Commit(ctx, twice); err == nil {
		t.Fatal("two jobs have one id")
	}
	if _, err := s.Job(ctx, job.ID); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("half of a commit is there: %v", err)
	}
	if err := s.Commit(ctx, &Changes{Seq: 6, Jobs: twice.Jobs[:1], Progress: twice.Progress}); err != nil {
		t.Errorf("the commit after it: %v", err)
	}
}

func testRoundTrip(t *testing.T, open opener) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s := open(t, path)
	at := time.UnixMicro(1_700_000_000_123_456).UTC()
	job := octaskly.Job{ID: newID(s), Owner: "alice", Name: "sum", SpecVersion: 1, Spec: []byte{1, 0, 255}, Elements: octaskly.Span(0, 999_999),
		Array: true, AtOnce: 4, Key: "k", SubmittedAt: at}
	progress := octaskly.Progress{Unclaimed: octaskly.Span(3, 899_999), Dropped: octaskly.Span(900_000, 999_999), CancelReason: "by alice", Seq: 11}
	progress.Rows[octaskly.Running], progress.Rows[octaskly.Failed], progress.Rows[octaskly.Queued] = 1, 1, 1
	tasks := []octaskly.Task{
		{Job: job.ID, Index: 0, State: octaskly.Running, Attempt: 2, Losses: 1, Worker: "w", Cancel: true, Detail: "by alice", AssignedAt: at, StartedAt: at, Seq: 8},
		{Job: job.ID, Index: 1, State: octaskly.Failed, Attempt: 1, Worker: "w", Reason: "exit:3", AssignedAt: at, StartedAt: at, EndedAt: at, Seq: 9},
		{Job: job.ID, Index: 2, State: octaskly.Queued, Attempt: 1, Failures: 1, Worker: "w", NotBefore: at, AssignedAt: at, StartedAt: at, Seq: 10},
	}
	attempt := octaskly.Attempt{ID: tasks[1].Current(), Worker: "w", AssignedAt: at, Seq: 9, Inline: []byte("\x01\x00\x00\x00\x01x"), End: octaskly.End{
		State: octaskly.Failed, Reason: "exit:3", Detail: "d", StartedAt: at, EndedAt: at, CPUTime: time.Second, MaxRSS: 1 << 20, Leftover: true,
		Output: octaskly.OutputSize{Stored: 6, Stdout: 1, Stderr: 2, Discarded: 3},
		Usage:  octaskly.Usage{MemoryPeak: 4, ProcessesPeak: 5, Read: 6, Written: 7, DiskPeak: 8},
		Limit:  int64(time.Hour), Peak: 1 << 40, Workspace: "/kept/é",
	}}
	worker := octaskly.Worker{ID: "w", Name: "w1", Version: "1", Slots: 4, Room: octaskly.Room{"cpu": 4000}, Features: []string{"kill:cgroup"}, Address: "a", SeenAt: at,
		Checks: []octaskly.Check{{Subject: "level:basic", Name: "<n>", What: "é", Held: true}, {Subject: "limit:disk", Name: "q", Why: "no quota"}}}
	var ended octaskly.Counts
	ended[octaskly.Failed], ended[octaskly.Cancelled] = 1, 100_000
	put(t, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{job.ID, progress}}, Tasks: tasks,
		Attempts: []octaskly.Attempt{attempt}, Workers: []octaskly.Worker{worker}, Seq: 11, Ended: ended, Queued: 899_998, Live: 1})
	s.Close()

	s = open(t, path)
	snapshot, err := s.Load(ctx)
	want := &Snapshot{Seq: 11, Totals: ended, Workers: []octaskly.Worker{worker}, Queued: 899_998, Live: 1, Last: job.ID,
		Touched: []LiveJob{{job, progress, []octaskly.Task{tasks[0], tasks[2]}}}}
	same(t, "Load", want, snapshot, err)
	record, err := s.Job(ctx, job.ID)
	same(t, "Job", &Record{Job: job, Progress: progress}, record, err)
	id, err := s.JobByKey(ctx, "alice", "k")
	same(t, "JobByKey", job.ID, id, err)
	if _, err := s.JobByKey(ctx, "bob", "k"); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("another owner's key: %v", err)
	}
	task, err := s.Task(ctx, job.ID, 1)
	same(t, "Task", &tasks[1], task, err)
	if _, err := s.Task(ctx, job.ID, 5); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("a task without a row: %v", err)
	}
	some, err := s.Tasks(ctx, job.ID, []octaskly.State{octaskly.Failed, octaskly.Queued}, 1, 10)
	same(t, "Tasks", tasks[1:], some, err)
	inline, stored, err := s.Output(ctx, attempt.ID)
	same(t, "Output", attempt.Inline, inline, err)
	if stored != 6 {
		t.Errorf("stored %d", stored)
	}
	attempt.Inline = nil
	attempts, err := s.Attempts(ctx, job.ID, 1)
	same(t, "Attempts", []octaskly.Attempt{attempt}, attempts, err)
}

func same(t *testing.T, what string, want, got any, err error, how ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, how...); diff != "" || err != nil {
		t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
	}
}

func testJobs(t *testing.T, open opener) {
	s := open(t, filepath.Join(t.TempDir(), "octaskly.db"))
	for id := range octaskly.JobID(10) {
		job := octaskly.Job{ID: id + 1, Owner: []string{"alice", "bob"}[id%2], SpecVersion: 1, Spec: []byte{0xa0}, Elements: octaskly.Span(0, 0)}
		p := octaskly.Progress{Unclaimed: job.Elements}
		if id < 5 {
			p = octaskly.Progress{EndedAt: time.UnixMicro(5)}
			p.Rows[octaskly.Completed] = 1
		}
		put(t, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{job.ID, p}},
			Tasks: []octaskly.Task{{Job: job.ID, State: octaskly.Completed}}})
	}
	for _, test := range []struct {
		name  string
		query Query
		want  []octaskly.JobID
	}{
		{"all", Query{Live: true, Ended: true, Limit: 100}, []octaskly.JobID{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}},
		{"live", Query{Live: true, Limit: 2}, []octaskly.JobID{10, 9}},
		{"ended", Query{Ended: true, Limit: 100}, []octaskly.JobID{5, 4, 3, 2, 1}},
		{"owner", Query{Live: true, Ended: true, Owner: "bob", Limit: 100}, []octaskly.JobID{10, 8, 6, 4, 2}},
		{"ids", Query{Live: true, Ended: true, IDs: octaskly.Ranges{{Lo: 1, Hi: 5, Step: 2}, {Lo: 9, Hi: 9, Step: 1}}, Limit: 100}, []octaskly.JobID{9, 5, 3, 1}},
		{"some of the ids", Query{IDs: octaskly.Ranges{{Lo: 1, Hi: 5, Step: 2}, {Lo: 9, Hi: 9, Step: 1}}, Limit: 2}, []octaskly.JobID{9, 5}},
		{"no ids", Query{IDs: octaskly.Ranges{}, Limit: 100}, nil},
		{"states", Query{Live: true, Ended: true, States: []octaskly.State{octaskly.Completed}, Before: 3, Limit: 100}, []octaskly.JobID{2, 1}},
	} {
		records, err := s.Jobs(ctx, test.query)
		var got []octaskly.JobID
		for _, r := range records {
			got = append(got, r.Job.ID)
			if r.Task == nil {
				t.Errorf("%s: job %v comes without its task", test.name, r.Job.ID)
			}
		}
		same(t, test.name, test.want, got, err)
	}
	last, err := s.LastJob(ctx, "alice")
	same(t, "LastJob", octaskly.JobID(9), last, err)
}

func put(t testing.TB, s engine, c *Changes) {
	t.Helper()
	if err := s.Commit(ctx, c); err != nil {
		t.Fatal(err)
	}
}
