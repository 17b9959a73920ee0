package dispatcher

import (
	"context"
	"math"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// pace measures how fast tasks end, over the last paceOver to twice that.
type pace struct {
	n          int64 // that have ended
	from, next paceMark
}

type paceMark struct {
	at time.Time
	n  int64
}

const (
	paceOver  = 15 * time.Second
	paceLeast = 500 * time.Millisecond // less is not worth a rate
)

// ended counts tasks that have ended now.
func (p *pace) ended(n int64, now time.Time) {
	switch {
	case p.from.at.IsZero():
		p.from = paceMark{now, p.n}
		p.next = p.from
	case now.Sub(p.next.at) >= 2*paceOver: // they were at rest
		p.from = paceMark{now, p.n}
		p.next = p.from
	case now.Sub(p.next.at) >= paceOver:
		p.from, p.next = p.next, paceMark{now, p.n}
	}
	p.n += n
}

// rate is in tasks a second; 0: not known, or none.
func (p *pace) rate(now time.Time) float64 {
	over := now.Sub(p.from.at)
	if p.from.at.IsZero() || over < paceLeast || now.Sub(p.next.at) >= 2*paceOver {
		return 0
	}
	return float64(p.n-p.from.n) / over.Seconds()
}

// foretold is how long n more tasks take at a rate; nil: nobody knows.
func foretold(n int64, rate float64) *api.Seconds {
	left := math.Ceil(float64(n) / rate)
	if rate <= 0 || left > octaskly.MaxTimeout.Seconds() {
		return nil
	}
	s := api.Seconds(left * float64(time.Second))
	return &s
}

// foretell adds to arrays that go on how fast they do.
func (d *Dispatcher) foretell(ctx context.Context, jobs []api.Job) error {
	var goOn []*api.Job
	for i := range jobs {
		if job := &jobs[i]; job.Tasks > 1 && job.State == octaskly.Running {
			goOn = append(goOn, job)
		}
	}
	if len(goOn) == 0 {
		return nil
	}
	rates, err := consult(ctx, d, func(c *core) ([]float64, error) {
		at, rates := time.Now(), make([]float64, len(goOn))
		for i, job := range goOn {
			if id, err := octaskly.ParseTaskID(job.ID); err == nil && c.jobs[id.Job] != nil {
				rates[i] = c.jobs[id.Job].pace.rate(at)
			}
		}
		return rates, nil
	})
	for i, rate := range rates {
		goOn[i].Rate = rate
		goOn[i].Left = foretold(unended(goOn[i]), rate)
	}
	return err
}

// unended is how many tasks of a job have not ended.
func unended(job *api.Job) (n int64) {
	for _, s := range []octaskly.State{octaskly.Queued, octaskly.Assigned, octaskly.Running} {
		n += job.Counts[s.String()]
	}
	return n
}
