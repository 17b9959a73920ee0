package store

import (
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// TestLongLists has more jobs than a stride, so that lists of one owner go now by
// his jobs and now by those that fit.
func TestLongLists(t *testing.T) {
	const jobs = 5000
	s := openTemp(t)
	states := map[octaskly.JobID]octaskly.State{}
	c := &Changes{}
	for id := octaskly.JobID(1); id <= jobs; id++ {
		j := octaskly.Job{ID: newID(s), Owner: "me", SpecVersion: 1, Spec: []byte{0xa0}, Elements: octaskly.Span(0, 0)}
		if mine := id < 1500 && id%2 == 0 || id > 3900; !mine {
			j.Owner = "you"
		}
		p := octaskly.Progress{Unclaimed: j.Elements}
		if id > 500 && id < 2500 || id%7 == 0 {
			p = octaskly.Progress{EndedAt: fromMicros(1)}
			p.Rows[octaskly.Completed] = 1
		}
		states[id] = p.Count().State()
		c.Jobs, c.Progress = append(c.Jobs, j), append(c.Progress, ProgressRow{j.ID, p})
	}
	put(t, s, c)
	for _, q := range []Query{
		{Owner: "me", Live: true}, {Owner: "me", Ended: true}, {Owner: "you", Live: true}, {Owner: "you", Ended: true},
		{Owner: "me", States: []octaskly.State{octaskly.Queued, octaskly.Failed}}, {Owner: "x", Live: true},
		{Owner: "you", Live: true, IDs: octaskly.Ranges{{Lo: 3, Hi: 4203, Step: 3}, {Lo: 4500, Hi: 4600, Step: 1}}},
		{Owner: "you", Ended: true, Before: 3500}, {Owner: "me"}, {Live: true}, {},
	} {
		for _, q.Limit = range []int{10, 1200, jobs} {
			var want []octaskly.JobID
			for _, j := range slices.Backward(c.Jobs) {
				over := states[j.ID].Terminal()
				if (q.Owner == "" || j.Owner == q.Owner) && (q.Live == q.Ended || over == q.Ended) && (q.IDs == nil || q.IDs.Contains(octaskly.Index(j.ID))) &&
					(q.States == nil || slices.Contains(q.States, states[j.ID])) && (q.Before == 0 || j.ID < q.Before) && len(want) < q.Limit {
					want = append(want, j.ID)
				}
			}
			got, err := s.IDs(ctx, q)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%+v: %v (-want +got):\n%s", q, err, gocmp.Diff(want, got))
			}
		}
	}
}
