package store

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// tell commits events with these numbers.
func tell(t testing.TB, s engine, seqs ...int64) {
	t.Helper()
	put(t, s, &Changes{Events: numbered(seqs...), Seq: seqs[len(seqs)-1]})
}

func numbered(seqs ...int64) (events []octaskly.Event) {
	for _, seq := range seqs {
		events = append(events, octaskly.Event{Seq: seq, At: fromMicros(seq), Kind: octaskly.TaskRunning, Job: octaskly.JobID(seq), State: octaskly.Running})
	}
	return events
}

func seqsOf(events []octaskly.Event) (seqs []int64) {
	for _, e := range events {
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

// From wherever one reads, forth or back, all there is in that direction comes once.
func testEvents(t *testing.T, open opener) {
	s := open(t, filepath.Join(t.TempDir(), "octaskly.db"))
	all := []int64{3, 4, 7, 8, 9, 12}
	tell(t, s, 3, 4)
	tell(t, s, 7)
	put(t, s, plainJob(1)) // tells nothing
	tell(t, s, 8, 9, 12)
	for seq := range int64(15) {
		at := slices.IndexFunc(append(slices.Clone(all), 99), func(n int64) bool { return n > seq })
		p, err := s.EventsAfter(ctx, seq)
		same(t, fmt.Sprint("after ", seq), all[at:], seqsOf(p.Events), err, cmpopts.EquateEmpty())
		if want := max(12, seq); p.More || p.First != seq+1 || p.Last != want {
			t.Errorf("after %d: from %d to %d, more: %v", seq, p.First, p.Last, p.More)
		}
		before := slices.IndexFunc(append(slices.Clone(all), 99), func(n int64) bool { return n >= seq })
		p, err = s.EventsBefore(ctx, seq)
		same(t, fmt.Sprint("before ", seq), all[:before], seqsOf(p.Events), err, cmpopts.EquateEmpty())
		if p.More || before > 0 && p.First != 3 {
			t.Errorf("before %d: from %d, more: %v", seq, p.First, p.More)
		}
	}
}

// Pages end, and go on where they ended.
func TestEventPages(t *testing.T) {
	s := openTemp(t)
	mustExec(t, s, `PRAGMA synchronous = OFF`)
	var want []int64
	for seq := range int64(2*eventRows + 10) {
		tell(t, s, 2*seq+1, 2*seq+2)
		want = append(want, 2*seq+1, 2*seq+2)
	}
	var forth, back []int64
	for at, more := int64(0), true; more; {
		p, err := s.EventsAfter(ctx, at)
		if err != nil {
			t.Fatal(err)
		}
		forth, at, more = append(forth, seqsOf(p.Events)...), p.Last, p.More
	}
	for at, more := int64(1e6), true; more; {
		p, err := s.EventsBefore(ctx, at)
		if err != nil {
			t.Fatal(err)
		}
		back, at, more = append(seqsOf(p.Events), back...), p.First, p.More
	}
	if !slices.Equal(want, forth) || !slices.Equal(want, back) {
		t.Errorf("of %d events %d were read, and %d back", len(want), len(forth), len(back))
	}
}

// The oldest go, as many as must; whoever wants them learns which are gone.
func testRemovedEvents(t *testing.T, open opener) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s := open(t, path)
	for seq := range int64(100) {
		tell(t, s, seq+1)
	}
	size, err := s.EventBytes(ctx)
	if err != nil || size < 100 {
		t.Fatalf("%d bytes, %v", size, err)
	}
	upTo, err := s.OldEvents(ctx, size/2)
	if err != nil || upTo < 45 || upTo > 55 {
		t.Fatalf("half of 100 events go up to %d, %v", upTo, err)
	}
	if _, err := s.RemoveEvents(ctx, upTo); err != nil {
		t.Fatal(err)
	}
	for range 2 { // whether or not all rows have gone
		p, err := s.EventsAfter(ctx, 5)
		if err != nil || p.Gone != upTo || len(p.Events) != int(100-upTo) || p.Events[0].Seq != upTo+1 {
			t.Fatalf("up to %d are gone; of the rest %d are left, %v", p.Gone, len(p.Events), err)
		}
		if back, err := s.EventsBefore(ctx, upTo+1); err != nil || len(back.Events) > 0 {
			t.Fatalf("%v, %v", back, err)
		}
		for done := false; !done; {
			if done, err = s.RemoveEvents(ctx, upTo); err != nil {
				t.Fatal(err)
			}
		}
	}
	if after, _ := s.EventBytes(ctx); after > size/2+size/10 {
		t.Errorf("%d bytes of %d are left", after, size)
	}
	if upTo, err := s.OldEvents(ctx, 10*size); err != nil || upTo != 99 {
		t.Errorf("when all must go, up to %d do, %v", upTo, err)
	}
	s.Close()
	if p, err := open(t, path).EventsAfter(ctx, 0); err != nil || p.Gone != upTo {
		t.Errorf("opened anew: %d are gone, %v", p.Gone, err)
	}
}

// A row that nobody can read keeps back no other, and does not go unnoticed.
func TestUnreadableEvents(t *testing.T) {
	s := openTemp(t)
	tell(t, s, 1)
	tell(t, s, 2, 3)
	tell(t, s, 4)
	mustExec(t, s, `UPDATE events SET body = x'a1' WHERE last = 3`)
	p, err := s.EventsAfter(ctx, 0)
	same(t, "seqs", []int64{1, 4}, seqsOf(p.Events), err)
	same(t, "lost", [][2]int64{{2, 3}}, p.Lost, err)
	if s.Suspicion() != nil {
		t.Error("for that the database is taken for damaged")
	}
	m := &mender{db: s.writing}
	s.writer.shut()
	if err := m.mendEvents(ctx); err != nil {
		t.Fatal(err)
	}
	s.writing.QueryRow(`SELECT count(*) FROM events`).Scan(&m.seq)
	if m.seq != 2 {
		t.Errorf("%d rows are left", m.seq)
	}
	fresh, err := newWriter(ctx, s.writing)
	if err != nil {
		t.Fatal(err)
	}
	s.writer.replace(fresh)
}

func drawEvents(r *rapid.T, after, upTo int64) (events []octaskly.Event) {
	word := rapid.SampledFrom([]string{"", "a", "bob", "node\x00\xff", "é"})
	for seq := after + 1; seq <= upTo; seq += rapid.Int64Range(1, 30).Draw(r, "gap") {
		e := octaskly.Event{
			Seq: seq, At: fromMicros(rapid.Int64Range(1, 1<<50).Draw(r, "at")), Kind: rapid.SampledFrom(octaskly.EventKinds).Draw(r, "kind"),
			Owner: word.Draw(r, "owner"), Job: octaskly.JobID(rapid.IntRange(0, 9).Draw(r, "job")), Array: rapid.Bool().Draw(r, "array"),
			Index: rapid.Int64Range(0, octaskly.MaxIndex).Draw(r, "index"), Attempt: rapid.IntRange(0, 9).Draw(r, "attempt"),
			Worker: octaskly.WorkerID(word.Draw(r, "worker")), WorkerName: word.Draw(r, "name"), State: octaskly.State(rapid.IntRange(0, 7).Draw(r, "state")),
			Why: octaskly.Why(rapid.IntRange(0, 6).Draw(r, "why")), Reason: octaskly.Reason(word.Draw(r, "reason")), Detail: word.Draw(r, "detail"),
			Limit: rapid.Int64().Draw(r, "limit"), Peak: rapid.Int64().Draw(r, "peak"),
		}
		if rapid.Bool().Draw(r, "elements") {
			e.Elements = octaskly.Ranges{{Lo: 0, Hi: 8, Step: 2}, {Lo: 10, Hi: octaskly.MaxIndex, Step: 1}}
		}
		events = append(events, e)
	}
	return events
}

func (m *model) compareEvents(r *rapid.T, s engine) {
	r.Helper()
	seq := rapid.Int64Range(0, m.seq+1).Draw(r, "from")
	p, err := s.EventsAfter(ctx, seq)
	var after, before []octaskly.Event
	for _, e := range m.events {
		if e.Seq > seq {
			after = append(after, e)
		}
		if e.Seq < seq {
			before = append(before, e)
		}
	}
	if err != nil || !(len(after) == 0 && len(p.Events) == 0 || reflect.DeepEqual(after, p.Events)) {
		r.Fatalf("EventsAfter: %v (-want +got):\n%s", err, gocmp.Diff(after, p.Events))
	}
	p, err = s.EventsBefore(ctx, seq)
	if err != nil || !(len(before) == 0 && len(p.Events) == 0 || reflect.DeepEqual(before, p.Events)) {
		r.Fatalf("EventsBefore: %v (-want +got):\n%s", err, gocmp.Diff(before, p.Events))
	}
}

// FuzzEvents: whatever a row holds, it is refused, or it is events that are written
// and read again as the same.
func FuzzEvents(f *testing.F) {
	var w eventWriter
	for _, events := range [][]octaskly.Event{numbered(5), numbered(5, 6, 9), oldChanges(5).Events} {
		body, err := w.encode(events)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(events[0].Seq, events[len(events)-1].Seq, slices.Clone(body))
	}
	f.Fuzz(func(t *testing.T, first, last int64, body []byte) {
		events, err := decodeEvents(first, last, body)
		if err != nil {
			return
		}
		again, err := w.encode(events)
		if err != nil {
			t.Fatal(err)
		}
		if read, err := decodeEvents(first, last, again); err != nil || !reflect.DeepEqual(events, read) {
			t.Errorf("%v (-first +again):\n%s", err, gocmp.Diff(events, read))
		}
	})
}
