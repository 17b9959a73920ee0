package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// figures are what owners of jobs have. The store counts them when they are asked
// for, one owner at a time; a count that has taken long is then good for a while, so
// that whoever has a million jobs cannot keep the dispatcher busy with counting.
type figures struct {
	counting chan struct{} // has room for whoever has the store count

	mu      sync.Mutex
	byOwner map[string]figure
}

type figure struct {
	store.Owned
	at, until time.Time
}

const (
	countTimeout = 30 * time.Second      // with the counts of others before it
	brief        = 20 * time.Millisecond // a count that may be made each time
	goodFor      = 20                    // times what a count has taken
	maxFigures   = 1024                  // that are remembered
)

func newFigures() *figures {
	return &figures{counting: make(chan struct{}, 1), byOwner: map[string]figure{}}
}

// of is what an owner has; count finds that out.
func (f *figures) of(ctx context.Context, owner string, count func(context.Context, string) (store.Owned, error)) (figure, error) {
	if known, ok := f.known(owner); ok {
		return known, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, countTimeout, errSlowCount)
	defer cancel()
	select {
	case f.counting <- struct{}{}:
		defer func() { <-f.counting }()
	case <-ctx.Done():
		return figure{}, context.Cause(ctx)
	}
	if known, ok := f.known(owner); ok { // by the one before
		return known, nil
	}
	begun := time.Now()
	owned, err := count(ctx, owner)
	if err != nil {
		return figure{}, errors.Join(context.Cause(ctx), err)
	}
	found := figure{owned, begun, time.Now()}
	if took := found.until.Sub(begun); took > brief {
		found.until = found.until.Add(goodFor * took)
		f.keep(owner, found)
	}
	return found, nil
}

var errSlowCount = fmt.Errorf("it takes longer than %v: %w", countTimeout, octaskly.ErrUnavailable)

func (f *figures) known(owner string) (figure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.byOwner[owner]
	return known, ok && time.Now().Before(known.until)
}

func (f *figures) keep(owner string, found figure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.byOwner) >= maxFigures {
		for name, old := range f.byOwner {
			if !time.Now().Before(old.until) {
				delete(f.byOwner, name)
			}
		}
	}
	if len(f.byOwner) < maxFigures {
		f.byOwner[owner] = found
	}
}

// addOwned puts the figures of one owner in the place of everybody's.
func (d *Dispatcher) addOwned(ctx context.Context, to *api.Stats, owner string) error {
	found, err := d.figures.of(ctx, owner, d.store.Owned)
	if err != nil {
		return fmt.Errorf("cannot count the tasks of %q: %w", owner, err)
	}
	at := found.at.UTC()
	to.Owner, to.CountedAt, to.Jobs, to.Tasks, to.StoreStats = owner, &at, found.Live, allByName(found.Counts), nil
	return nil
}

// allByName has zeroes, too.
func allByName(counts octaskly.Counts) map[string]int64 {
	named := make(map[string]int64, len(octaskly.States))
	for _, s := range octaskly.States {
		named[s.String()] = counts[s]
	}
	return named
}
