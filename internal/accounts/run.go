package accounts

import (
	"context"
	"sync"
	"time"
)

const (
	writeEvery = time.Minute // what may wait: times of use, counts of refusals
	sweepEvery = time.Hour
	lastWrites = 10 * time.Second // for what may wait, at the end
)

// Run writes what may wait and removes what is over, until the context ends.
func (a *Accounts) Run(ctx context.Context) error {
	write, sweep := time.NewTicker(writeEvery), time.NewTicker(sweepEvery)
	defer write.Stop()
	defer sweep.Stop()
	var trimming sync.WaitGroup
	trimming.Go(func() { a.keepTrimmed(ctx) })
	defer trimming.Wait()
	a.attempt("remove what is over", a.sweep(ctx))
	for {
		select {
		case <-write.C:
			a.writeWaiting(ctx)
		case <-sweep.C:
			a.attempt("remove what is over", a.sweep(ctx))
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrites)
			defer cancel()
			a.writeWaiting(ctx)
			return nil
		}
	}
}

func (a *Accounts) writeWaiting(ctx context.Context) {
	a.attempt("write when tokens were used", a.writeUses(ctx))
	a.attempt("write how much was refused", a.writeRefusals(ctx))
}

// attempt logs what failed; it is tried again at the next beat.
func (a *Accounts) attempt(what string, err error) {
	if err != nil {
		a.log.Warn("cannot "+what, "error", err)
	}
}
