package store

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sqlitefile"
)

const hint = "if there is a backup, octasklyd dispatcher restore FILE brings back what it has, into an empty state directory"

// A report names every job that is lost, those first that were to run, and says
// what to do.
func TestReport(t *testing.T) {
	s := openTemp(t)
	at := time.UnixMicro(1).UTC()
	for id := octaskly.JobID(1); id <= 60; id++ {
		c := plainJob(id)
		if id > 30 {
			c.Progress[0].Progress = octaskly.Progress{EndedAt: at, Rows: octaskly.Counts{octaskly.Completed: 1}}
			c.Tasks = []octaskly.Task{{Job: id, State: octaskly.Completed, Attempt: 1, StartedAt: at, EndedAt: at}}
			c.Attempts = []octaskly.Attempt{{ID: octaskly.AttemptID{Job: id, Number: 1}, Seq: int64(id), End: octaskly.End{State: octaskly.Completed, StartedAt: at, EndedAt: at}}}
		}
		put(t, s, c)
	}
	mustExec(t, s, `PRAGMA foreign_keys = 0`)
	mustExec(t, s, `DELETE FROM jobs WHERE id BETWEEN 2 AND 29 OR id BETWEEN 41 AND 50 OR id = 60`)
	mustExec(t, s, `DELETE FROM results WHERE job BETWEEN 31 AND 33 OR job = 35`)
	s.accuse("a test says so")
	if err := s.salvage(ctx, "a test says so"); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(s.report.Load().Lines(), "\n")
	at1 := 0
	for _, want := range []string{
		"28 jobs that were not over are lost, and do not run any more: 2-29", "11 jobs are lost: 41-50,60",
		"the records of 4 tasks that are over are lost, and what they wrote: 31-33,35", hint,
	} {
		at2 := strings.Index(text, want)
		if at2 < at1 {
			t.Errorf("%q is not there, or not in its place:\n%s", want, text)
		}
		at1 = max(at1, at2)
	}
	if !strings.HasSuffix(text, hint) {
		t.Error(text)
	}
}

// A task whose end never was, since it was recalled before it began, lacks nothing.
func TestNothingIsMissed(t *testing.T) {
	s := openTemp(t)
	c := plainJob(1)
	c.Tasks = []octaskly.Task{{Job: 1, State: octaskly.Cancelled, Attempt: 1}}
	put(t, s, c)
	m := &mender{db: s.readers.DB, report: new(Salvage)}
	if err := m.nameSilent(ctx); err != nil || m.report.Silent != 0 {
		t.Errorf("%d, %v", m.report.Silent, err)
	}
}

func TestNaming(t *testing.T) {
	var many []octaskly.JobID
	for id := octaskly.JobID(1); id < 10_000; id += 2 {
		many = append(many, id)
	}
	if text := namingJobs(many); len(text) > maxNaming+5 || !strings.HasSuffix(text, ",…") || !strings.HasPrefix(text, "1,3,5,") {
		t.Error(len(text), text)
	}
	if text := namingJobs(many[:500]); strings.Contains(text, "…") || !strings.HasSuffix(text, ",999") {
		t.Error(text)
	}
	plain := func(id octaskly.JobID) octaskly.TaskID { return octaskly.TaskID{Job: id} }
	element := func(id octaskly.JobID, i octaskly.Index) octaskly.TaskID {
		return octaskly.TaskID{Job: id, Index: i, Array: true}
	}
	mixed := []octaskly.TaskID{plain(1), plain(2), element(3, 7), element(3, 8), element(4, 0), plain(5)}
	if text := namingTasks(mixed, 6); text != "1-2,3.7-8,4.0,5" {
		t.Error(text)
	}
	var apart []octaskly.TaskID
	for _, id := range many {
		apart = append(apart, plain(id))
	}
	if text := namingTasks(apart, int64(len(apart))); strings.Count(text, ",") != maxSilent || !strings.HasSuffix(text, ",199,…") {
		t.Error(text)
	}
}

// Nothing that was saved is no list.
func TestNothingSaved(t *testing.T) {
	for _, line := range (&Salvage{Why: "x"}).Lines() {
		if strings.Contains(line, "saved: ;") || strings.HasSuffix(line, ": ") {
			t.Error(line)
		}
	}
}

// Of a file that is no database nobody says that it is being saved.
func TestForeignIsNotSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	noise := make([]byte, 5*pageSize)
	for i := range noise {
		noise[i] = byte(i*i>>3 + 7*i)
	}
	if err := os.WriteFile(path, noise, 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	_, err := Open(ctx, path, slog.New(slog.NewTextHandler(&said, nil)))
	if !errors.Is(err, errForeign) || !strings.Contains(err.Error(), "move it away, mv "+path) || !strings.Contains(err.Error(), "octasklyd dispatcher restore FILE") {
		t.Error(err)
	}
	if said.Len() > 0 {
		t.Error(said.String())
	}
}

// Ids that no job can have do not become the last one.
func TestAbsurdIDsAreNotCopied(t *testing.T) {
	c, err := newCopier(ctx, nil, openTemp(t).readers.DB)
	if err != nil {
		t.Fatal(err)
	}
	c.note("jobs", sqlitefile.Row{ID: 1 << 40})
	c.note("jobs", sqlitefile.Row{ID: 7})
	if c.ids != 7 {
		t.Errorf("the highest is %d", c.ids)
	}
}
