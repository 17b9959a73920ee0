package dispatcher

import (
	"time"

	"github.com/octaskly/octaskly/internal/store"
)

// Retention bounds what is kept of what is over. 0 is no bound.
type Retention struct {
	Age    time.Duration // of a job, from its end
	Tasks  int64         // that are over, those of jobs that go on left out
	Output int64         // bytes of outputs and inputs in files
	Events int64         // bytes of events; 0: maxEventBytes
}

// beat is how often to look for what is too old. What has ended since is spared
// by the bounds of number and size: whoever waits for it may not have read it yet.
func (r *Retention) beat() time.Duration {
	const least, most = 100 * time.Millisecond, time.Minute
	if r.Age <= 0 {
		return most
	}
	return min(max(r.Age/10, least), most)
}

// choose says which of some jobs, oldest first, have to go, when so many tasks are
// kept in all.
func (r *Retention) choose(jobs []store.Kept, kept int64, now time.Time) (chosen []store.Kept) {
	for _, j := range jobs {
		age := now.Sub(j.EndedAt)
		if r.Age > 0 && age > r.Age || r.Tasks > 0 && kept > r.Tasks && age > r.beat() {
			chosen = append(chosen, j)
			kept -= j.Tasks
		}
	}
	return chosen
}

// horizon is the time from which on no job that was submitted has to go, when so
// many tasks are kept: none has ended before it was submitted.
func (r *Retention) horizon(kept int64, now time.Time) time.Time {
	switch {
	case r.Tasks > 0 && kept > r.Tasks:
		return now.Add(-r.beat())
	case r.Age > 0:
		return now.Add(-r.Age)
	}
	return time.Time{}
}
