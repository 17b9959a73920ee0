package tui

import (
	"context"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// How often the dispatcher is asked, at most. A question that takes long is asked
// less often: asking takes a fiftieth of the time.
const (
	statsEvery  = 2 * time.Second
	shownEvery  = 2 * time.Second // what is on the screen
	detailEvery = time.Second
	hiddenEvery = 5 * time.Second // a worker's last minutes go on
	askWithin   = 15 * time.Second
	costShare   = 50

	firstPause = time.Second // after an error; then longer
	mostPause  = 5 * time.Second
)

// feed asks the source for what the model wants, each thing in a goroutine of its own.
type feed struct {
	ctx     context.Context
	spawn   func(func())
	source  Source
	now     func() time.Time
	out     chan any
	running map[subject]*asking
}

// asking is a goroutine and what it was started for.
type asking struct {
	want any
	stop context.CancelFunc
}

func newFeed(ctx context.Context, spawn func(func()), source Source, now func() time.Time) *feed {
	return &feed{ctx: ctx, spawn: spawn, source: source, now: now, out: make(chan any), running: map[subject]*asking{}}
}

// again is a want that is asked for anew after each act.
type again[T any] struct {
	want T
	n    int
}

// follow starts, stops and restarts as the wants have changed.
func (f *feed) follow(w wants) {
	f.set(aboutStats, w.again, f.stats)
	f.set(aboutWorkers, again[bool]{w.often, w.again}, f.workers(w.often))
	f.when(w.jobs.wanted, aboutJobs, again[jobsWant]{w.jobs, w.again}, f.jobs(w.jobs))
	f.when(w.events.wanted, aboutEvents, w.events, f.events(w.events))
	f.when(w.task != "", aboutTask, again[string]{w.task, w.again}, f.task(w.task))
	f.when(w.elements.job != "", aboutElements, again[elementsWant]{w.elements, w.again}, f.elements(w.elements))
	f.when(w.output.task != "", aboutOutput, w.output, f.output(w.output))
	f.when(w.worker != "", aboutWorker, again[string]{w.worker, w.again}, f.worker(w.worker))
}

func (f *feed) when(wanted bool, s subject, want any, run func(context.Context)) {
	if !wanted {
		want = nil
	}
	f.set(s, want, run)
}

// set sees to it that just what is wanted of a subject runs; nil: nothing.
func (f *feed) set(s subject, want any, run func(context.Context)) {
	if was := f.running[s]; was != nil {
		if was.want == want {
			return
		}
		was.stop()
		delete(f.running, s)
	}
	if want == nil {
		return
	}
	ctx, stop := context.WithCancel(f.ctx)
	f.running[s] = &asking{want, stop}
	f.spawn(func() { defer stop(); run(ctx) })
}

// send gives the loop a message. It reports false when that is not wanted any more.
func (f *feed) send(ctx context.Context, message any) bool {
	select {
	case f.out <- message:
		return true
	case <-ctx.Done():
		return false
	}
}

// poll asks again and again.
func (f *feed) poll(ctx context.Context, s subject, every time.Duration, ask func(context.Context) (any, error)) {
	for pause := firstPause; ; {
		began := time.Now()
		message, err := within(ctx, ask)
		if ctx.Err() != nil {
			return
		}
		next := max(every, costShare*time.Since(began))
		if err != nil {
			message, next = failed{s, err, f.now().Add(pause)}, pause
			pause = min(pause+time.Second, mostPause)
		} else {
			pause = firstPause
		}
		if !f.send(ctx, message) || !wait(ctx, next) {
			return
		}
	}
}

func within(ctx context.Context, ask func(context.Context) (any, error)) (any, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askWithin, errSlow)
	defer cancel()
	return ask(ctx)
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *feed) stats(ctx context.Context) {
	f.poll(ctx, aboutStats, statsEvery, func(ctx context.Context) (any, error) {
		stats, err := f.source.Stats(ctx)
		return gotStats{stats}, err
	})
}

func (f *feed) workers(often bool) func(context.Context) {
	every := hiddenEvery
	if often {
		every = shownEvery
	}
	return func(ctx context.Context) {
		f.poll(ctx, aboutWorkers, every, func(ctx context.Context) (any, error) {
			workers, err := f.source.Workers(ctx)
			return gotWorkers{workers}, err
		})
	}
}

func (f *feed) worker(id string) func(context.Context) {
	return func(ctx context.Context) {
		f.poll(ctx, aboutWorker, detailEvery, func(ctx context.Context) (any, error) {
			worker, err := f.source.Worker(ctx, id)
			return gotWorker{id, worker}, err
		})
	}
}

func (f *feed) task(id string) func(context.Context) {
	return func(ctx context.Context) {
		f.poll(ctx, aboutTask, detailEvery, func(ctx context.Context) (any, error) {
			task, err := octaskly.ParseTaskID(id)
			if err != nil {
				return nil, err
			}
			detail, err := f.source.Show(ctx, task)
			return gotDetail{id, detail}, err
		})
	}
}
