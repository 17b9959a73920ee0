package dispatcher

import (
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// What is queued again is within the quotas, like what is submitted, or none of it is.
func TestRetryIsWithinQuotas(t *testing.T) {
	q := &quotas{}
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { d.Quota, d.MaxQueued = q.get, 200 })
	ann := api.Caller{Name: "ann"}
	jobs := func(lo, hi int64) api.Selection { return api.Selection{Jobs: octaskly.Span(lo, hi)} }
	retry := func(what api.Selection) (int64, error) {
		out, err := l.d.Retry(t.Context(), ann, what)
		return out.Done, err
	}
	cancel := func(what api.Selection) {
		t.Helper()
		_, err := l.d.Cancel(t.Context(), ann, what, "")
		l.check(err)
	}
	waiting := func(want int64) {
		t.Helper()
		found, _, err := l.d.store.Waiting(t.Context())
		l.check(err)
		if found["ann"] != want {
			t.Fatalf("%d of ann's wait, want %d", found["ann"], want)
		}
	}
	const single = 2*perReview + 1 // more than one review has
	_, err := l.submitAs("ann", 4)
	l.check(err)
	for range single {
		_, err := l.submitAs("ann", 1)
		l.check(err)
	}
	cancel(jobs(1, single+1))
	waiting(0)

	q.set("ann", octaskly.Quota{Queued: 3})
	_, err = retry(jobs(1, 1))
	wantFull(t, err, `cannot queue 4 more tasks: 0 of yours wait, and 3 may, the quota "queued" of user ann`)
	waiting(0)
	elements := jobs(1, 1)
	elements.Elements = octaskly.Span(0, 2)
	if n, err := retry(elements); n != 3 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	elements.Elements = octaskly.Span(3, 3)
	_, err = retry(elements)
	wantFull(t, err, "3 of yours wait")

	q.set("ann", octaskly.Quota{Queued: single + 2})
	_, err = retry(jobs(2, single+1)) // of several reviews: none of the first one either
	wantFull(t, err, "cannot queue 101 more tasks: 3 of yours wait, and 103 may")
	waiting(3)
	q.set("ann", octaskly.Quota{Queued: single + 3, Rate: 0.001}) // one at once
	if n, err := retry(jobs(2, single+1)); n != single || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	waiting(single + 3)
	if n, err := retry(jobs(2, 2)); n != 0 || err != nil { // nothing to do costs nothing
		t.Fatalf("%d, %v", n, err)
	}
	cancel(jobs(2, 2))
	_, err = retry(jobs(2, 2))
	wantFull(t, err, "cannot accept another submission yet")
	_, err = l.submitAs("ann", 1)
	wantFull(t, err, "cannot accept another submission yet")

	q.set("ann", octaskly.Quota{})
	_, err = l.submitAs("bob", 200-single-2)
	l.check(err)
	_, err = retry(jobs(2, 2))
	wantFull(t, err, "cannot queue 1 more tasks: 200 wait, 200 may")
}
