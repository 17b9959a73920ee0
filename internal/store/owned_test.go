package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// What an owner has is what his jobs say one by one, whatever is in them.
func TestOwned(t *testing.T) {
	s := openTemp(t)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		owners := []string{fmt.Sprint("ann", run), fmt.Sprint("bob", run), "nobody"}
		want := map[string]Owned{}
		var gone []octaskly.JobID
		for range rapid.IntRange(0, 12).Draw(rt, "jobs") {
			job := octaskly.Job{ID: newID(s), Owner: rapid.SampledFrom(owners[:2]).Draw(rt, "owner"), SpecVersion: 1, Spec: []byte{1}, SubmittedAt: time.Now()}
			p := octaskly.Progress{Unclaimed: drawOdd(rt, "unclaimed"), Dropped: drawOdd(rt, "dropped")}
			job.Elements, job.Array = octaskly.Span(0, 99), true
			for _, state := range octaskly.States {
				p.Rows[state] = rapid.Int64Range(0, 3).Draw(rt, state.String())
			}
			if p.Count().Over() {
				p.EndedAt = time.Now()
			}
			put(t, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{job.ID, p}}})
			if p.Count().Over() && rapid.Bool().Draw(rt, "forget") {
				gone = append(gone, job.ID)
				continue
			}
			o := want[job.Owner]
			for state, n := range p.Count() {
				o.Counts[state] += n
			}
			if !p.Count().Over() {
				o.Live++
			}
			want[job.Owner] = o
		}
		if len(gone) > 0 {
			if _, err := s.Forget(ctx, gone); err != nil {
				rt.Fatal(err)
			}
		}
		for _, owner := range owners {
			if got, err := s.Owned(ctx, owner); err != nil || got != want[owner] {
				rt.Errorf("%s has %+v, %v; want %+v", owner, got, err, want[owner])
			}
		}
	})
}

func drawOdd(t *rapid.T, name string) octaskly.Ranges {
	text := rapid.SampledFrom([]string{"", "0", "0", "0-3", "1", "2-8:2", "0,5-9"}).Draw(t, name)
	if text == "" {
		return nil
	}
	r, err := octaskly.ParseRanges(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOwnedPlan(t *testing.T) {
	s := openTemp(t)
	for _, query := range []string{ownedSums, ownedRanges} {
		checkPlan(t, s, "owned", query, "j USING COVERING INDEX jobs_by_owner (owner=?)", "p USING INTEGER PRIMARY KEY")
	}
}

func TestOwnedIsGivenUp(t *testing.T) {
	s := openTemp(t)
	given, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Owned(given, "ann"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// BenchmarkOwned counts the million jobs of one owner.
func BenchmarkOwned(b *testing.B) {
	s := millionJobs(b)
	rate(b, "counts", func() {
		for range b.N {
			if o, err := s.Owned(ctx, "me"); err != nil || o.Counts[octaskly.Completed] != million {
				b.Fatal(o, err)
			}
		}
	})
}

// An id is in use from the commit of its job on, and stays so.
func TestGiven(t *testing.T) {
	s := openTemp(t)
	id := newID(s)
	if s.Given(id) {
		t.Error("it is in use before it was written")
	}
	if fate, _, err := s.Fate(ctx, id); fate != Unborn || err != nil {
		t.Errorf("its fate is %v, %v", fate, err)
	}
	bad := plainJob(id)
	bad.Jobs = append(bad.Jobs, bad.Jobs[0]) // twice
	if err := s.Commit(ctx, bad); err == nil || s.Given(id) {
		t.Errorf("a commit that fails: %v, in use: %v", err, s.Given(id))
	}
	put(t, s, plainJob(id))
	if !s.Given(id) || s.Given(id+1) || s.Given(0) || s.Given(-1) {
		t.Error("it is not in use, or others are")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s = openAt(t, s.path); !s.Given(id) || s.Given(id+1) {
		t.Error("a start makes a difference")
	}
}
