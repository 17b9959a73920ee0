package dispatcher

import (
	"sync"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// bells tell those who watch a job that it has changed on disk.
type bells struct {
	mu    sync.Mutex
	byJob map[octaskly.JobID][]*bell
}

// bell is one watcher's.
type bell struct {
	changed chan struct{} // holds one: a change since it was last drained
	over    chan struct{} // closed when the job is over
}

// hang registers a watcher; what happens after it returns is not missed.
func (b *bells) hang(id octaskly.JobID) *bell {
	one := &bell{changed: make(chan struct{}, 1), over: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byJob == nil {
		b.byJob = map[octaskly.JobID][]*bell{}
	}
	b.byJob[id] = append(b.byJob[id], one)
	return one
}

// take removes a watcher's bell.
func (b *bells) take(id octaskly.JobID, one *bell) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rest := b.byJob[id][:0:0]
	for _, other := range b.byJob[id] {
		if other != one {
			rest = append(rest, other)
		}
	}
	if b.byJob[id] = rest; len(rest) == 0 {
		delete(b.byJob, id)
	}
}

// ring is called by the core after a commit.
func (b *bells) ring(id octaskly.JobID, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range b.byJob[id] {
		select {
		case one.changed <- struct{}{}:
		default:
		}
		if over {
			select {
			case <-one.over: // a retried job is over more than once
			default:
				close(one.over)
			}
		}
	}
}
