package store

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

var write = flag.Bool("write", false, "write the database of the present schema to testdata, for good")

// TestOldDatabases opens a database of every version there has been. Each was
// written once, by `go test -run TestOldDatabases -write`, when its schema was
// new, and holds what oldChanges say.
func TestOldDatabases(t *testing.T) {
	if *write {
		writeDatabase(t)
	}
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		name := fmt.Sprintf("v%d.db", i+1)
		t.Run(name, func(t *testing.T) { checkOld(t, filepath.Join("testdata", name), i+1) })
	}
}

func checkOld(t *testing.T, from string, version int) {
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "octaskly.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s, c := openAt(t, path), oldChanges(version)
	snapshot, err := s.Load(ctx)
	same(t, "Load", &Snapshot{
		Touched: []LiveJob{{c.Jobs[0], c.Progress[0].Progress, c.Tasks[:1]}},
		Workers: c.Workers, Seq: c.Seq, Totals: c.Ended, Queued: c.Queued, Live: c.Live, Last: 1,
	}, snapshot, err)
	records, err := s.Jobs(ctx, Query{Limit: 9})
	same(t, "Jobs", []Record{
		{Job: c.Jobs[1], Progress: c.Progress[1].Progress, Task: &c.Tasks[2]},
		{Job: c.Jobs[0], Progress: c.Progress[0].Progress},
	}, records, err)
	inline, _, err := s.Output(ctx, c.Attempts[0].ID)
	same(t, "Output", c.Attempts[0].Inline, inline, err)
	c.Attempts[0].Inline = nil
	attempts, err := s.Attempts(ctx, 1, 1)
	same(t, "Attempts", c.Attempts[:1], attempts, err)
	page, err := s.EventsAfter(ctx, 0)
	same(t, "EventsAfter", c.Events, page.Events, err)
	if id := newID(s); id != 3 {
		t.Errorf("the next id is %v", id)
	}
	put(t, s, plainJob(3))
	r := oldRecords(version)
	checkAccounts(t, s, r.Users, r.Tokens, r.Keys)
	checkRoster(t, s, r.Roster)
	checkLog(t, s, int64(len(c.Actions)+len(r.Actions)))
	if err := s.Record(ctx, someRecords()); err != nil {
		t.Error(err)
	}
	checkLog(t, s, int64(len(c.Actions)+len(r.Actions)+1))
}

// oldRecords is what a version could keep beside oldChanges.
func oldRecords(version int) *Records {
	if version < 4 {
		return &Records{}
	}
	r := someRecords()
	if version >= 6 {
		r.Roster = someRoster()
	}
	return r
}

func writeDatabase(t *testing.T) {
	s := openTemp(t)
	version := ask(t, s, `user_version`)
	put(t, s, oldChanges(version))
	if err := s.Record(ctx, oldRecords(version)); err != nil {
		t.Fatal(err)
	}
	mustExec(t, s, `DELETE FROM meta WHERE name = 'file'`) // it shall be no copy of another
	mustExec(t, s, `VACUUM`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.path)
	path := fmt.Sprintf("testdata/v%d.db", version)
	if _, there := os.Stat(path); !errors.Is(there, os.ErrNotExist) {
		t.Fatalf("%s is there: %v", path, there)
	}
	if err := errors.Join(err, os.MkdirAll("testdata", 0o755), os.WriteFile(path, data, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// oldChanges are an array job in its midst and a plain job that is over, with what
// a version of the schema could keep of them.
func oldChanges(version int) *Changes {
	at := time.UnixMicro(1_800_000_000_000_001).UTC()
	c := &Changes{
		Jobs: []octaskly.Job{
			{ID: 1, Owner: "alice", Name: "sum", SpecVersion: 1, Spec: []byte{0xa0, 0}, Elements: octaskly.Span(0, 999), Array: true, AtOnce: 4, SubmittedAt: at},
			{ID: 2, Owner: "bob", SpecVersion: 1, Spec: []byte{0xa0}, Elements: octaskly.Span(0, 0), Key: "k", SubmittedAt: at},
		},
		Progress: []ProgressRow{
			{1, octaskly.Progress{Unclaimed: octaskly.Ranges{{Lo: 2, Hi: 998, Step: 2}}, Dropped: octaskly.Ranges{{Lo: 3, Hi: 999, Step: 2}}, CancelReason: "by alice", Seq: 4}},
			{2, octaskly.Progress{EndedAt: at, Seq: 5}},
		},
		Tasks: []octaskly.Task{
			{Job: 1, Index: 0, State: octaskly.Running, Attempt: 2, Failures: 1, Losses: 1, Worker: "w", Cancel: true, NotBefore: at, AssignedAt: at, StartedAt: at, Seq: 2},
			{Job: 1, Index: 1, State: octaskly.Failed, Attempt: 1, Worker: "w", Reason: "exit:3", Detail: "d", AssignedAt: at, StartedAt: at, EndedAt: at, Seq: 3},
			{Job: 2, State: octaskly.Completed, Attempt: 1, Worker: "w", AssignedAt: at, StartedAt: at, EndedAt: at, Seq: 5},
		},
		Attempts: []octaskly.Attempt{
			{ID: octaskly.AttemptID{Job: 1, Index: 1, Number: 1}, Worker: "w", AssignedAt: at, Inline: []byte("\x01\x00\x00\x00\x01x"), Seq: 3, End: octaskly.End{
				State: octaskly.Failed, Reason: "exit:3", Detail: "d", StartedAt: at, EndedAt: at, CPUTime: time.Second, MaxRSS: 1 << 20, Leftover: true,
				Output: octaskly.OutputSize{Stored: 6, Stdout: 1, Stderr: 2, Discarded: 3},
			}},
			{ID: octaskly.AttemptID{Job: 2, Number: 1}, Worker: "w", AssignedAt: at, Seq: 5, End: octaskly.End{State: octaskly.Completed, StartedAt: at, EndedAt: at}},
		},
		Workers: []octaskly.Worker{{ID: "w", Name: "node", Version: "1", Slots: 2, Room: octaskly.Room{octaskly.CPU: 2000}, Features: []string{octaskly.KillCgroup}, Address: "[::1]:1", SeenAt: at}},
		Seq:     5,
		Queued:  499, Live: 1, // schemas before 3 do not say: they are counted
	}
	c.Progress[0].Rows[octaskly.Running], c.Progress[0].Rows[octaskly.Failed], c.Progress[1].Rows[octaskly.Completed] = 1, 1, 1
	c.Ended[octaskly.Completed], c.Ended[octaskly.Failed], c.Ended[octaskly.Cancelled] = 1, 1, 499
	if version >= 2 {
		end := &c.Attempts[0].End
		end.Usage = octaskly.Usage{MemoryPeak: 1, ProcessesPeak: 2, Read: 3, Written: 4, DiskPeak: 5}
		end.Limit, end.Peak, end.Workspace = 6, 7, "/var/lib/octaskly/kept/1.1.1"
		c.Workers[0].Checks = []octaskly.Check{
			{Subject: "level:strict", Name: "shadow", What: "no password can be read", Held: true},
			{Subject: octaskly.LimitDisk, Name: "quota", Why: "there is none"},
		}
	}
	if version >= 3 {
		c.Tasks[0].LostAt = at
		c.Attempts[0].Late = octaskly.Late{State: octaskly.Completed, Reason: "r", At: at}
		c.Workers[0].Left = true
		c.Workers[0].Drain = &octaskly.Drain{By: "alice", At: at, Reason: "new disk", Deadline: at}
	}
	if version >= 4 {
		c.Actions = []octaskly.Action{
			{At: at, Who: "alice", Role: octaskly.RoleClient, From: "unix uid=1000", What: "task.submit", Target: "1", Outcome: octaskly.Done},
			{At: at, Who: "bob", Role: octaskly.RoleClient, From: "unix uid=1001", What: "task.cancel", Target: "1", Outcome: "denied", Detail: "it is alice's"},
		}
	}
	if version >= 5 {
		c.Events = []octaskly.Event{
			{Seq: 1, At: at, Kind: octaskly.JobSubmitted, Owner: "alice", Job: 1, Array: true, Elements: octaskly.Span(0, 999), State: octaskly.Queued},
			{Seq: 3, At: at, Kind: octaskly.TaskEnded, Owner: "alice", Job: 1, Array: true, Index: 1, Attempt: 1, Worker: "w", WorkerName: "node",
				State: octaskly.Failed, Reason: octaskly.ReasonOOM, Detail: "d", Limit: 1 << 20, Peak: 1 << 21},
			{Seq: 4, At: at, Kind: octaskly.TaskQueued, Owner: "alice", Job: 1, Array: true, Index: 2, State: octaskly.Queued, Why: octaskly.WhyLost},
			{Seq: 5, At: at, Kind: octaskly.WorkerDrained, Worker: "w", WorkerName: "node", Detail: "by alice: new disk"},
		}
	}
	return c
}
