package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

const pageSize = 4096

// damages are what can happen to a small database. Those with a page's number
// are done to every page.
var damages = map[string]func(file []byte, page int) []byte{
	"short by a byte":  func(file []byte, _ int) []byte { return file[:len(file)-1] },
	"short by a page":  func(file []byte, _ int) []byte { return file[:len(file)-pageSize] },
	"cut in the midst": func(file []byte, page int) []byte { return file[:page*pageSize+pageSize/2] },
	"zeroed page":      func(file []byte, page int) []byte { clear(file[page*pageSize:][:pageSize]); return file },
	"garbage page": func(file []byte, page int) []byte {
		for i := range file[page*pageSize:][:pageSize] {
			file[page*pageSize+i] = byte(i*i>>3 + 7*i)
		}
		return file
	},
	"page of another": func(file []byte, page int) []byte {
		copy(file[page*pageSize:][:pageSize], slices.Clone(file[(page+5)%(len(file)/pageSize)*pageSize:][:pageSize]))
		return file
	},
}

// Databases of every version, damaged in every way, open; what has ended and has
// a row left to say so stays as it is; and what is loaded agrees with itself.
func TestDamaged(t *testing.T) {
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	for version := 1; version <= len(files); version++ {
		whole, err := os.ReadFile(fmt.Sprintf("testdata/v%d.db", version))
		if err != nil {
			t.Fatal(err)
		}
		for name, damage := range damages {
			for page := 0; page < len(whole)/pageSize; page += thinning {
				if strings.HasPrefix(name, "short") && page > 0 {
					break
				}
				t.Run(fmt.Sprintf("v%d/%s/%d", version, name, page+1), func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "octaskly.db")
					if err := os.WriteFile(path, damage(slices.Clone(whole), page), 0o600); err != nil {
						t.Fatal(err)
					}
					checkDamaged(t, path, whole)
				})
			}
		}
	}
}

func checkDamaged(t *testing.T, path string, whole []byte) {
	s, err := Open(ctx, path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(ctx); err != nil { // salvages what Check has found
		t.Fatal(err)
	}
	agree(t, s)
	rows := func(query string) (n int) {
		if err := s.readers.QueryRowContext(ctx, query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if rows(`SELECT count(*) FROM jobs WHERE id = 2`) == 1 && rows(`SELECT count(*) FROM results WHERE job = 2`) == 1 {
		if task, err := s.Task(ctx, 2, 0); err != nil || task.State != octaskly.Completed {
			t.Errorf("the task of job 2 has completed, and now is %+v, %v", task, err)
		}
	}
	if rows(`SELECT count(*) FROM jobs WHERE id = 1`) == 1 && rows(`SELECT count(*) FROM results WHERE job = 1`) == 1 {
		if task, err := s.Task(ctx, 1, 1); err != nil || task.State != octaskly.Failed {
			t.Errorf("element 1 of job 1 has failed, and now is %+v, %v", task, err)
		}
	}
	if id := newID(s); id < 3 && rows(`SELECT count(*) FROM jobs`) > 0 {
		t.Errorf("id %d is given out once more", id)
	}
	if h := s.Health(); h.Salvage == nil {
		if h.CheckedAt.IsZero() {
			t.Error("it is neither sound nor salvaged")
		}
		return
	}
	kept, err := damaged(path)
	if err != nil || len(kept) != 1 || filepath.Base(kept[0]) != s.Health().Salvage.Aside {
		t.Errorf("kept beside: %v, %v", kept, err)
	}
	put(t, s, plainJob(newID(s)))
}

// agree checks what a dispatcher takes for granted.
func agree(t *testing.T, s *Store) {
	t.Helper()
	jobs, err := list(ctx, s.readers, damagedFields, damagedJobs, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	m := &mender{db: s.readers.DB}
	counts, err := m.count(ctx, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range jobs {
		j := &jobs[i]
		j.rows = counts[j.id]
		left := j.elements.Minus(j.Unclaimed).Minus(j.Dropped).Count()
		var rows int64
		for _, n := range j.rows {
			rows += n
		}
		if !j.agrees() || left != rows {
			t.Errorf("job %d: %d elements have no place, and %d rows: %+v, counted %v", j.id, left, rows, j.Progress, j.rows)
		}
	}
	for what, query := range map[string]string{
		"tasks without a job":        `SELECT count(*) FROM tasks WHERE job NOT IN (SELECT id FROM jobs)`,
		"results without a job":      `SELECT count(*) FROM results WHERE job NOT IN (SELECT id FROM jobs)`,
		"tasks without their worker": `SELECT count(*) FROM tasks WHERE state IN (2, 3) AND worker NOT IN (SELECT id FROM workers)`,
		"ids beyond the last":        `SELECT count(*) FROM jobs WHERE id > (SELECT seq FROM sqlite_sequence WHERE name = 'jobs')`,
		"numbers beyond the last":    `SELECT count(*) FROM results WHERE seq > (SELECT seq FROM ledger)`,
	} {
		var n int
		if err := s.readers.QueryRowContext(ctx, query).Scan(&n); err != nil || n > 0 {
			t.Errorf("%d %s: %v", n, what, err)
		}
	}
}

// A sound database salvages to the same, but for its name.
func TestSalvageLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s := openAt(t, path)
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, oldChanges(len(files)))
	if err := s.Record(ctx, oldRecords(len(files))); err != nil {
		t.Fatal(err)
	}
	fleet := s.FleetID()
	for id := octaskly.JobID(3); id < 600; id++ {
		put(t, s, plainJob(id))
	}
	before, generation := dump(t, s), s.Generation()
	for _, when := range []string{"with a log", "without one"} {
		s.accuse("a test says so")
		if err := s.shut(ctx, s.suspicion.Load()); err != nil {
			t.Fatal(err)
		}
		if err := s.salvage(ctx, "a test says so"); err != nil {
			t.Fatal(err)
		}
		if err := s.reopen(ctx); err != nil {
			t.Fatal(err)
		}
		if after := dump(t, s); before != after {
			t.Errorf("%s: (-before +after)\n%s", when, cmp.Diff(strings.Split(before, "\n"), strings.Split(after, "\n")))
		}
		if r := s.Health().Salvage; r.Lost+r.Touched+r.Again+r.Rebuilt+r.Guessed+r.Actions+r.Disabled > 0 || r.Pages+r.Rows > 0 {
			t.Errorf("%s: lost %+v", when, r)
		}
		if s.Generation() == generation {
			t.Errorf("%s: it is called as before", when)
		}
		if s.FleetID() != fleet {
			t.Errorf("%s: it is another fleet's", when)
		}
		checkLog(t, s, 3)
		if id := newID(s); id != 600 {
			t.Errorf("%s: the next id is %d", when, id)
		}
		s.nextJob.Store(599)
		agree(t, s)
	}
}

// dump is all rows of all tables but meta, and of ledger what stays.
func dump(t *testing.T, s *Store) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []string{"jobs", "progress", "tasks", "results", "workers", "inputs", "users", "tokens", "signing_keys", "identities", "invites", "removed_workers", "audit_log", "events"} {
		rows, err := s.readers.QueryContext(ctx, `SELECT * FROM `+table+` ORDER BY 1`)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		for rows.Next() {
			values := blanks(len(columns))
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(&all, table)
			for _, v := range values {
				fmt.Fprintf(&all, " %q", fmt.Sprint(*v.(*any)))
			}
			fmt.Fprintln(&all)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	totals, err := s.Totals(ctx)
	fmt.Fprintln(&all, totals, err)
	return all.String()
}

// Whatever a log has lost, what it says first counts; more than a power cut can
// take is told.
func TestTornLog(t *testing.T) {
	for name, test := range map[string]struct {
		tear     func(wal []byte) []byte
		salvaged bool
		jobs     int
	}{
		"whole":       {func(wal []byte) []byte { return wal }, false, 20},
		"short":       {func(wal []byte) []byte { return wal[:len(wal)-1] }, false, 19},
		"last frame":  {func(wal []byte) []byte { wal[len(wal)-pageSize]++; return wal }, false, 19},
		"its midst":   {func(wal []byte) []byte { wal[len(wal)/2]++; return wal }, true, 20},
		"its head":    {func(wal []byte) []byte { clear(wal[:32]); return wal }, true, 20},
		"all of it":   {func(wal []byte) []byte { clear(wal); return wal }, false, 0},
		"no database": {nil, true, 20},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "octaskly.db")
			from := openTemp(t)
			mustExec(t, from, `PRAGMA wal_checkpoint(TRUNCATE)`)
			for id := range octaskly.JobID(20) {
				c := plainJob(id + 1)
				c.Seq = int64(id) + 1
				put(t, from, c)
			}
			main, err := os.ReadFile(from.path)
			wal, walErr := os.ReadFile(from.path + "-wal")
			if test.tear != nil {
				wal = test.tear(wal)
			} else {
				main = nil
			}
			if err := errors.Join(err, walErr, os.WriteFile(path, main, 0o600), os.WriteFile(path+"-wal", wal, 0o600)); err != nil {
				t.Fatal(err)
			}
			s := openAt(t, path)
			agree(t, s)
			records, err := s.Jobs(ctx, Query{Limit: 100})
			if err != nil || len(records) < test.jobs || (s.Health().Salvage != nil) != test.salvaged {
				t.Errorf("%d jobs, want %d; %v, %+v", len(records), test.jobs, err, s.Health().Salvage)
			}
			if next := newID(s); test.salvaged && next <= 20 {
				t.Errorf("id %d is given out twice", next)
			}
		})
	}
}

// A crash at any moment of a salvage leaves either database, and the next start
// goes on.
func TestSettle(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "octaskly.db")
	write := func(name, text string) {
		if err := os.WriteFile(path+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, done := range []string{"nothing", "-wal", "all"} {
		write(".ready", "new")
		info, err := os.Stat(path + ".ready")
		if err != nil {
			t.Fatal(err)
		}
		to := aside(path, info.ModTime())
		if done == "nothing" {
			write("-wal", "old log")
		} else if err := os.WriteFile(to+"-wal", []byte("old log"), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Remove(path)
		if done == "all" {
			if err := os.WriteFile(to, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		} else {
			write("", "old")
		}
		if err := settle(path, quiet); err != nil {
			t.Fatal(err)
		}
		for file, want := range map[string]string{path: "new", to: "old", to + "-wal": "old log"} {
			if got, err := os.ReadFile(file); err != nil || string(got) != want {
				t.Errorf("%s done: %s has %q, %v", done, filepath.Base(file), got, err)
			}
		}
		if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s done: the old log is beside the new database", done)
		}
		removeDatabase(to)
	}
}

// The newest damaged databases are kept, and only these.
func TestForgetOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	for day := range 5 {
		for _, suffix := range []string{"", "-wal"} {
			name := fmt.Sprintf("%s.damaged-2027010%dT000000Z%s", path, day+1, suffix)
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	forgetOld(path, quiet)
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 2*maxAside || !strings.Contains(left[0].Name(), "20270103") {
		t.Errorf("%v, %v", left, err)
	}
}

// A copy is not what it was copied from: workers must not mistake it, and ids
// given out since are not given out again.
func TestCopyIsAnother(t *testing.T) {
	s := openTemp(t)
	put(t, s, plainJob(newID(s)))
	name := s.Generation()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(filepath.Dir(s.path), "moved.db")
	if err := os.Rename(s.path, moved); err != nil {
		t.Fatal(err)
	}
	m := openAt(t, moved)
	if m.Generation() != name || newID(m) != 2 {
		t.Error("a database that was moved is taken for another")
	}
	copied := filepath.Join(t.TempDir(), "copied.db")
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c := openAt(t, copied)
	if c.Generation() == name || newID(c) != 2+idGap {
		t.Error("a copy is taken for what it was copied from")
	}
}

// Of a file that only looks like a database nothing is taken, and nothing is
// moved.
func TestForeignStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	page := make([]byte, 3*pageSize)
	page[0] = 0x0d
	binary.BigEndian.PutUint16(page[3:], 40)
	if err := os.WriteFile(path, page, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, path, quiet); !errors.Is(err, errForeign) {
		t.Errorf("opened with %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if got, _ := os.ReadFile(path); err != nil || len(left) != 1 || !slices.Equal(got, page) {
		t.Errorf("left: %v, %v", left, err)
	}
}

// busy is a database of some hundred pages: plain jobs that are over, wait or
// run, and an array of which every second element has ended.
func busy(t *testing.T) (path string, rows int) {
	t.Helper()
	s := openTemp(t)
	mustExec(t, s, `PRAGMA synchronous = OFF`)
	at := fromMicros(1_800_000_000_000_000)
	c := &Changes{Seq: 10_000, Workers: []octaskly.Worker{{ID: "w", Name: "w", Slots: 1}}}
	end := func(id octaskly.JobID, i octaskly.Index) {
		seq := int64(len(c.Attempts)) + 1
		c.Tasks = append(c.Tasks, octaskly.Task{Job: id, Index: i, State: octaskly.Completed, Attempt: 1, Worker: "w", StartedAt: at, EndedAt: at, Seq: seq})
		c.Attempts = append(c.Attempts, octaskly.Attempt{
			ID: octaskly.AttemptID{Job: id, Index: i, Number: 1}, Worker: "w", Seq: seq, Inline: make([]byte, seq%7*900),
			End: octaskly.End{State: octaskly.Completed, StartedAt: at, EndedAt: at},
		})
	}
	const jobs, elements = 2000, 3000
	for range jobs {
		id := newID(s)
		job := octaskly.Job{ID: id, Owner: fmt.Sprint("user", id%50), SpecVersion: 1, Spec: make([]byte, 50+id%11*400), Elements: octaskly.Span(0, 0)}
		p := octaskly.Progress{Unclaimed: job.Elements, Seq: int64(id)}
		switch id % 4 {
		case 0, 1:
			end(id, 0)
			p.Unclaimed, p.EndedAt, p.Rows[octaskly.Completed] = nil, at, 1
		case 2:
			c.Tasks = append(c.Tasks, octaskly.Task{Job: id, State: octaskly.Running, Attempt: 1, Worker: "w", Seq: int64(id)})
			p.Unclaimed, p.Rows[octaskly.Running] = nil, 1
		}
		c.Jobs, c.Progress = append(c.Jobs, job), append(c.Progress, ProgressRow{id, p})
	}
	id := newID(s)
	p := octaskly.Progress{Unclaimed: octaskly.Ranges{{Lo: 1, Hi: elements - 1, Step: 2}}}
	for i := octaskly.Index(0); i < elements; i += 2 {
		end(id, i)
		p.Rows[octaskly.Completed]++
	}
	c.Jobs = append(c.Jobs, octaskly.Job{ID: id, Owner: "me", SpecVersion: 1, Spec: []byte{0xa0}, Elements: octaskly.Span(0, elements-1), Array: true})
	c.Progress = append(c.Progress, ProgressRow{id, p})
	put(t, s, c)
	agree(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.path, len(c.Jobs) + len(c.Progress) + len(c.Tasks) + len(c.Attempts)
}

// perPage is more than the rows on a page, or on the pages that a row on it is
// spread over.
const perPage = 150

// Whichever pages of a larger database are damaged, interior ones among them, no
// more is lost than what was on them, and nothing runs again of whose end anything
// is left.
func TestDamagedPages(t *testing.T) {
	from, rows := busy(t)
	whole, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	kinds := slices.DeleteFunc(slices.Sorted(maps.Keys(damages)), func(kind string) bool { return !strings.HasSuffix(kind, "page") && !strings.HasPrefix(kind, "page") })
	kinds = slices.DeleteFunc(kinds, func(kind string) bool { return kind == "short by a page" })
	for seed := range uint64(thinned(25)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			draw := rand.New(rand.NewPCG(seed, 0))
			data, n := slices.Clone(whole), 1+draw.IntN(4)
			for range n {
				page := draw.IntN(len(data) / pageSize)
				if seed%2 == 0 { // the first pages are the roots
					page = draw.IntN(20)
				}
				data = damages[kinds[draw.IntN(len(kinds))]](data, page)
			}
			path := filepath.Join(t.TempDir(), "octaskly.db")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			checkDamagedPages(t, path, rows-n*perPage)
		})
	}
}

func checkDamagedPages(t *testing.T, path string, least int) {
	s, err := Open(ctx, path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(ctx); err != nil {
		t.Fatal(err)
	}
	agree(t, s)
	if report := s.Health().Salvage; report != nil {
		t.Log(strings.Join(report.Lines(), "\n"))
	}
	count := func(query string) (n int) {
		if err := s.readers.QueryRowContext(ctx, query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(`SELECT count(*) FROM results r JOIN jobs j ON j.id = r.job WHERE r.task NOT IN (SELECT id FROM tasks WHERE state = 4)`); n > 0 {
		t.Errorf("%d tasks run again though there is a result", n)
	}
	lost := count(`SELECT count(*) FROM progress WHERE NOT gone AND ended_at = 0 AND job % 4 IN (0, 1) AND job <= 2000`)
	have := 0
	for _, table := range []string{"jobs", "progress", "tasks", "results"} {
		have += count(`SELECT count(*) FROM ` + table)
	}
	if have < least || lost > perPage {
		t.Errorf("%d rows are left, want %d; %d jobs that had ended have not", have, least, lost)
	}
}
