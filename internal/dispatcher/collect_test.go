package dispatcher

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/spool"
	"github.com/octaskly/octaskly/internal/store"
)

const day = 24 * time.Hour

var me = api.Caller{Name: "me"}

// goCollect is a dispatcher whose collector waits for the test.
func goCollect(t *testing.T, r Retention) *live {
	return goLive(t, octaskly.Policy{}, func(d *Dispatcher) { d.Retention, d.collector.start = r, time.Hour })
}

// past is a job that ended a while ago.
type past struct {
	ago    time.Duration
	tasks  int64
	files  map[octaskly.Index]int64 // sizes of outputs that are in files
	inputs []octaskly.Blob
	key    string
}

// had makes it so that there was such a job.
func (l *live) had(p past) (id octaskly.JobID) {
	l.t.Helper()
	at := now().Add(-p.ago)
	spec := &octaskly.Spec{Argv: []string{"true"}, Stdin: append(p.inputs, "")[0]}
	encoded, err := protocol.EncodeSpec(spec)
	l.check(err)
	l.inCore(func(c *core) {
		id, _ = c.store.NextJobID()
		c.seq += p.tasks
		progress := octaskly.Progress{EndedAt: at, Seq: c.seq}
		progress.Rows[octaskly.Failed] = p.tasks
		c.batch.kept += p.tasks
		changes := &store.Changes{
			Jobs: []octaskly.Job{{ID: id, Owner: me.Name, SpecVersion: octaskly.SpecVersion, Spec: encoded, Key: p.key,
				Elements: octaskly.Span(0, p.tasks-1), Array: p.tasks > 1, SubmittedAt: at}},
			Progress: []store.ProgressRow{{Job: id, Progress: progress}}, Seq: c.seq, Queued: c.waiting, Live: c.live,
		}
		for _, blob := range p.inputs {
			changes.Inputs = append(changes.Inputs, store.Input{Blob: blob, Job: id})
		}
		for i := range p.tasks {
			task := octaskly.Task{Job: id, Index: i, State: octaskly.Failed, Attempt: 1, EndedAt: at, Seq: c.seq - i}
			end := octaskly.End{State: octaskly.Failed, Output: octaskly.OutputSize{Stored: p.files[i]}}
			changes.Tasks = append(changes.Tasks, task)
			changes.Attempts = append(changes.Attempts, octaskly.Attempt{ID: task.Current(), Seq: task.Seq, End: end})
			if p.files[i] > 0 {
				l.write(task.Current(), p.files[i])
				l.d.outputs.kept.add(l.d.outputs.name(task.Current()), p.files[i])
			}
		}
		l.check(c.store.Commit(context.Background(), changes))
	})
	return id
}

// write makes an output file.
func (l *live) write(id octaskly.AttemptID, size int64) (path string) {
	l.t.Helper()
	path = l.d.outputs.path(id)
	l.check(os.MkdirAll(filepath.Dir(path), 0o700))
	l.check(os.WriteFile(path, make([]byte, size), 0o600))
	return path
}

// age makes a file look as if it had been written a while ago.
func (l *live) age(path string, by time.Duration) {
	l.t.Helper()
	at := time.Now().Add(-by)
	l.check(os.Chtimes(path, at, at))
}

func (l *live) round() {
	l.t.Helper()
	l.check(l.d.collector.round(l.t.Context()))
}

// there compares which jobs are there, by their ids, with want.
func (l *live) there(want ...octaskly.JobID) {
	l.t.Helper()
	all, err := l.d.Jobs(l.t.Context(), me, api.Filter{All: true, Limit: 1000})
	l.check(err)
	var got []string
	for i := range all {
		got = append([]string{all[i].ID}, got...)
	}
	var ids []string
	for _, id := range want {
		ids = append(ids, id.String())
	}
	if strings.Join(got, " ") != strings.Join(ids, " ") {
		l.t.Errorf("jobs %v are there, want %v", got, ids)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func selection(id octaskly.JobID) api.Selection {
	return api.Selection{Jobs: octaskly.Span(octaskly.Index(id), octaskly.Index(id))}
}

// What ended too long ago goes with all that belongs to it, and whoever asks for
// it is told that it was there.
func TestCollectByAge(t *testing.T) {
	l := goCollect(t, Retention{Age: day})
	old := l.had(past{ago: 2 * day, tasks: 300, files: map[octaskly.Index]int64{7: 100, 299: 100}, key: "k"})
	young := l.had(past{ago: time.Hour, tasks: 1, files: map[octaskly.Index]int64{0: 50}})
	l.round()
	l.there(young)
	if exists(filepath.Join(l.d.outputs.dir, old.String())) || l.d.outputs.kept.size() != 50 {
		t.Errorf("its output is there; %d bytes are kept", l.d.outputs.kept.size())
	}
	ctx, id := t.Context(), octaskly.TaskID{Job: old, Index: 7, Array: true}
	_, shown := l.d.Show(ctx, me, id)
	_, output := l.d.Output(ctx, me, id, 0, false)
	_, retried := l.d.Retry(ctx, me, selection(old))
	watched := l.d.Watch(ctx, me, octaskly.TaskID{Job: old}, func(*api.Job) error { return nil })
	for what, err := range map[string]error{"show": shown, "output": output, "retry": retried, "watch": watched} {
		if !errors.Is(err, octaskly.ErrGone) || !strings.Contains(err.Error(), "it ended and is no longer kept (retention)") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := l.d.Show(ctx, me, octaskly.TaskID{Job: 1000}); !errors.Is(err, octaskly.ErrNotFound) || errors.Is(err, octaskly.ErrGone) {
		t.Errorf("a task that never was: %v", err)
	}
	if again := l.had(past{ago: time.Hour, tasks: 1, key: "k"}); again != young+1 {
		t.Errorf("id %v comes after %v", again, young)
	}
}

// Of too many the oldest go, but for those that have just ended, and never what
// waits.
func TestCollectByNumber(t *testing.T) {
	l := goCollect(t, Retention{Age: 100 * day, Tasks: 10})
	waits, err := l.submit(func(s *api.Submission) { s.Array = "0-99" })
	l.check(err)
	l.had(past{ago: time.Hour, tasks: 6})
	second := l.had(past{ago: 2 * time.Hour, tasks: 6})
	third := l.had(past{ago: 0, tasks: 30})
	l.round() // 42 are over
	if _, err := l.d.Show(t.Context(), me, octaskly.TaskID{Job: second}); !errors.Is(err, octaskly.ErrGone) {
		t.Errorf("the second is there: %v", err)
	}
	if kept := l.d.collector.kept.Load(); kept != 30 {
		t.Errorf("%d tasks are kept", kept)
	}
	for _, id := range []octaskly.JobID{waits.Job, third} {
		if _, err := l.d.store.Job(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
}

// The core keeps count of what is over as a fresh count would have it.
func TestKept(t *testing.T) {
	l := goCollect(t, Retention{Tasks: 1000})
	w := l.join("w", able(octaskly.LevelNone)...)
	l.round() // it begins to count
	check := func(what string, want int64) {
		t.Helper()
		count, err := l.d.store.CountKept(t.Context(), 1<<60)
		if got := l.d.collector.kept.Load(); got != want || count != want || err != nil {
			t.Errorf("%s: %d tasks are kept, counted %d, want %d: %v", what, got, count, want, err)
		}
	}
	id, err := l.submit(func(s *api.Submission) {})
	l.check(err)
	w.end(w.task(), octaskly.End{State: octaskly.Failed, Reason: "exit:1"})
	check("ended", 1)
	l.inCore(func(c *core) {
		_, err := c.retry(id.Job, nil)
		l.check(err)
	})
	check("retried", 0)
	w.end(w.task(), octaskly.End{State: octaskly.Completed})
	check("ended again", 1)
	dropped, err := l.submit(func(s *api.Submission) { s.Array = "0-99"; s.Sandbox = "very-strict" })
	l.check(err)
	_, err = l.d.Cancel(t.Context(), api.Caller{Admin: true}, selection(dropped.Job), "")
	l.check(err)
	check("cancelled before it had a row", 2)
	l.d.collector.sweptAt = time.Time{}
	l.round()
	check("counted again", 2)
}

// A retry and the collector never get hold of the same job, whichever comes first.
func TestRetryAgainstCollector(t *testing.T) {
	l := goCollect(t, Retention{Age: day})
	first, second := l.had(past{ago: 2 * day, tasks: 3}), l.had(past{ago: 2 * day, tasks: 3})
	l.inCore(func(c *core) {
		if n, err := c.retry(first, nil); n != 3 || err != nil {
			t.Errorf("%d are retried: %v", n, err)
		}
		gone, err := c.forget([]octaskly.JobID{first, second})
		if len(gone) != 1 || gone[0] != second || err != nil {
			t.Errorf("forgot %v: %v", gone, err)
		}
		if n, err := c.retry(second, nil); n != 0 || !errors.Is(err, octaskly.ErrGone) {
			t.Errorf("%d of what is gone are retried: %v", n, err)
		}
		if c.jobs[second] != nil {
			t.Error("it is in memory")
		}
	})
	l.d.collector.gone = []octaskly.JobID{second}
	l.round()
	l.there(first)
	rows, err := l.d.store.Tasks(t.Context(), first, []octaskly.State{octaskly.Queued}, 0, 10)
	if len(rows) != 3 || err != nil {
		t.Errorf("%d of its tasks wait: %v", len(rows), err)
	}
}

// Of too much output that of the oldest goes; the rows stay, and say so. Attempts
// that go on, and jobs that have just ended, keep theirs.
func TestShedOutputs(t *testing.T) {
	l := goCollect(t, Retention{Output: 1000})
	var ids []octaskly.JobID
	for _, ago := range []time.Duration{time.Hour, 0, time.Hour, time.Hour} {
		ids = append(ids, l.had(past{ago: ago, tasks: 2, files: map[octaskly.Index]int64{1: 400}}))
	}
	l.round()
	l.there(ids...)
	for i, want := range []bool{false, true, false, true} {
		out, err := l.d.Output(t.Context(), me, octaskly.TaskID{Job: ids[i], Index: 1, Array: true}, 0, false)
		if (err == nil) != want || err != nil && !errors.Is(err, octaskly.ErrGone) {
			t.Errorf("output of %v: %v", ids[i], err)
		}
		if out != nil {
			out.Close()
		}
	}
	if size := l.d.outputs.kept.size(); size != 800 {
		t.Errorf("%d bytes are kept", size)
	}
	l.had(past{ago: time.Hour, tasks: 1, files: map[octaskly.Index]int64{0: 190}})
	l.round()
	if size := l.d.outputs.kept.size(); size != 990 {
		t.Errorf("%d bytes of 1000 are kept", size)
	}
}

// Of too many inputs those go that only past jobs read, when the latest of these
// has its turn; a retry says what is missing.
func TestShedInputs(t *testing.T) {
	l := goCollect(t, Retention{Output: 700})
	first, shared, needed, young := l.upload("first", 300, day), l.upload("shared", 300, day), l.upload("needed", 300, day), l.upload("young", 300, 0)
	a := l.had(past{ago: 3 * time.Hour, tasks: 1, inputs: []octaskly.Blob{first}})
	b := l.had(past{ago: 2 * time.Hour, tasks: 1, inputs: []octaskly.Blob{shared}, files: map[octaskly.Index]int64{0: 300}})
	l.had(past{ago: 2 * time.Hour, tasks: 1, inputs: []octaskly.Blob{needed}})
	_, err := l.submit(func(s *api.Submission) { s.Stdin = needed; s.Array = "0-9" })
	l.check(err)
	l.age(l.blob(needed), day)
	c := l.had(past{ago: time.Hour, tasks: 1, inputs: []octaskly.Blob{shared}})
	l.had(past{ago: time.Hour, tasks: 1, inputs: []octaskly.Blob{young}})
	l.round() // 1500
	l.left(map[octaskly.Blob]bool{first: false, shared: false, needed: true, young: true})
	if size := l.d.filesSize(); size != 600 {
		t.Errorf("%d bytes are kept", size)
	}
	for _, id := range []octaskly.JobID{a, b, c} {
		if _, err := l.d.Retry(t.Context(), me, selection(id)); !errors.Is(err, octaskly.ErrGone) || !strings.Contains(err.Error(), "its input is no longer kept") {
			t.Errorf("retry %v: %v", id, err)
		}
	}
	l.inCore(func(core *core) {
		if core.jobs[a] != nil || core.jobs[c] != nil {
			t.Error("what cannot be retried is in memory")
		}
	})
	if len(l.d.blobs.claims) != 0 {
		t.Errorf("claims are left: %v", l.d.blobs.claims)
	}
}

// upload makes a blob that was uploaded a while ago.
func (l *live) upload(text string, size int, ago time.Duration) octaskly.Blob {
	l.t.Helper()
	text = strings.Repeat(text, size/len(text)+1)[:size]
	hash, err := l.UploadBlob(l.t.Context(), strings.NewReader(text))
	l.check(err)
	l.age(l.blob(hash), ago)
	return hash
}

func (l *live) blob(hash octaskly.Blob) string {
	l.t.Helper()
	path, err := l.d.blobs.path(hash)
	l.check(err)
	return path
}

func (l *live) left(want map[octaskly.Blob]bool) {
	l.t.Helper()
	for blob, there := range want {
		if got := exists(l.blob(blob)); got != there {
			l.t.Errorf("input %.6s… is there: %v", blob, got)
		}
	}
}

// An input goes with the last job that reads it, unless somebody has asked for it
// of late.
func TestCollectInputs(t *testing.T) {
	l := goCollect(t, Retention{Age: day})
	mine, shared, asked, unread := l.upload("mine", 10, 2*day), l.upload("shared", 10, 2*day), l.upload("asked", 10, 2*day), l.upload("unread", 10, 2*day)
	fresh := l.upload("fresh", 10, time.Hour)
	l.had(past{ago: 2 * day, tasks: 1, inputs: []octaskly.Blob{mine, shared, asked}})
	l.had(past{ago: time.Hour, tasks: 1, inputs: []octaskly.Blob{shared}})
	for who, want := range map[string]map[octaskly.Blob]bool{"ann": {asked: false}, me.Name: {asked: true, "no hash": false}} {
		for hash, want := range want {
			if has, err := l.d.HasBlob(t.Context(), api.Caller{Name: who}, hash); has != want || err != nil {
				t.Errorf("%s may name %q: %v, %v", who, hash, has, err)
			}
		}
	}
	l.round()
	l.left(map[octaskly.Blob]bool{mine: false, shared: true, asked: true, unread: false, fresh: true})
	if size := l.d.blobs.kept.size(); size != 30 {
		t.Errorf("%d bytes are kept", size)
	}
	l.upload("mine", 10, 0) // and may be uploaded again
	if size := l.d.blobs.kept.size(); size != 40 {
		t.Errorf("%d bytes are kept", size)
	}
}

// An input that somebody asks for while it is about to go stays.
func TestAskedForInTime(t *testing.T) {
	l := goCollect(t, Retention{})
	for what, ask := range map[string]func(octaskly.Blob){
		"asks":   func(b octaskly.Blob) { l.d.blobs.use(b) },
		"claims": func(b octaskly.Blob) { l.d.blobs.claim(b, "") },
		"uploads": func(b octaskly.Blob) {
			l.check(l.d.PutBlob(t.Context(), api.Caller{Name: "ann"}, b, strings.NewReader("uploads")))
		},
	} {
		blob := l.upload(what, len(what), 2*day)
		old, err := l.d.blobs.drop(blob, day, func() (bool, error) {
			ask(blob)
			return true, nil
		})
		if !old || err != nil || !exists(l.blob(blob)) {
			t.Errorf("while one %s: old %v, %v, there %v", what, old, err, exists(l.blob(blob)))
		}
	}
	blob := l.upload("claimed", 9, 2*day)
	release := l.d.blobs.claim(blob, blob, "")
	useless := func() (bool, error) { return true, nil }
	if old, err := l.d.blobs.drop(blob, day, useless); old || err != nil || !exists(l.blob(blob)) {
		t.Errorf("a claimed input: old %v, %v", old, err)
	}
	release()
	if old, err := l.d.blobs.drop(blob, day, useless); !old || err != nil || exists(l.blob(blob)) {
		t.Errorf("a released one: old %v, %v", old, err)
	}
}

// A sweep finds what no row names, and leaves alone what one names or may yet.
func TestSweep(t *testing.T) {
	l := goCollect(t, Retention{Age: 100 * day})
	w := l.join("w", able(octaskly.LevelNone)...)
	_, err := l.submit(func(s *api.Submission) { s.Array = "0-9" })
	l.check(err)
	running := w.task()
	var lost octaskly.JobID
	l.inCore(func(c *core) { lost, _ = c.store.NextJobID() })
	over := l.had(past{ago: time.Hour, tasks: 2, files: map[octaskly.Index]int64{0: 100}})
	never := octaskly.JobID(1000)
	for _, file := range []struct {
		id    octaskly.AttemptID
		age   time.Duration
		stays bool
	}{
		{running, 0, true},
		{octaskly.AttemptID{Job: running.Job, Index: 5, Number: 1}, 2 * day, true},
		{octaskly.AttemptID{Job: over, Index: 0, Number: 1}, 2 * day, true},
		{octaskly.AttemptID{Job: over, Index: 1, Number: 1}, 2 * day, false},
		{octaskly.AttemptID{Job: over, Index: 0, Number: 2}, time.Hour, true},
		{octaskly.AttemptID{Job: lost, Index: 0, Number: 1}, 0, false},
		{octaskly.AttemptID{Job: never, Index: 0, Number: 1}, 2 * day, true},
	} {
		path := l.write(file.id, 100)
		l.age(path, file.age)
		t.Cleanup(func() {
			if exists(path) != file.stays {
				t.Errorf("output of %v is there: %v", file.id, !file.stays)
			}
		})
	}
	foreign := filepath.Join(l.d.outputs.dir, "notes", "x")
	l.check(os.MkdirAll(filepath.Dir(foreign), 0o700))
	l.check(os.WriteFile(foreign, nil, 0o600))
	l.round()
	if size := l.d.outputs.kept.size(); size != 400 { // without that which is being written
		t.Errorf("%d bytes are kept", size)
	}
	if !exists(foreign) || exists(filepath.Join(l.d.outputs.dir, lost.String())) {
		t.Error("a foreign file is gone, or a stray directory left")
	}
}

// An output is counted once, whenever it is begun and ended while a sweep takes its
// census, walks and finishes.
func TestSweepAndOutput(t *testing.T) {
	for _, order := range []string{
		"begin end census walk finish", "begin census end walk finish", "begin census walk end finish", "begin census walk finish end",
		"census begin end walk finish", "census begin walk end finish", "census begin walk finish end",
		"census walk begin end finish", "census walk begin finish end", "census walk finish begin end",
	} {
		t.Run(order, func(t *testing.T) {
			l := goCollect(t, Retention{Age: day})
			id := octaskly.AttemptID{Job: l.had(past{tasks: 1}), Number: 1}
			kept, found, size := &l.d.outputs.kept, int64(0), int64(0)
			steps := map[string]func(){
				"begin": func() {
					m, err := l.d.outputs.get(id)
					l.check(err)
					source := spool.Create(spool.Options{})
					l.check(source.Append(spool.Stdout, []byte("some output")))
					l.check(source.Close())
					framed, _ := source.Bytes()
					_, err = m.Write(framed)
					l.check(err)
					_, err = m.settle(int64(len(framed)))
					l.check(err)
					size = int64(len(framed))
				},
				"end":    func() { l.d.outputs.end(id, nil, true) },
				"census": func() { l.inCore(func(c *core) { c.census() }) },
				"walk": func() {
					l.check(l.d.collector.sweepOutputs(t.Context(), func(name string, size int64) {
						if kept.counts(name) {
							found += size
						}
					}))
				},
				"finish": func() { kept.end(found) },
			}
			for step := range strings.FieldsSeq(order) {
				steps[step]()
			}
			if got := kept.size(); got != size || size == 0 {
				t.Errorf("%d bytes are kept, want %d", got, size)
			}
		})
	}
}
