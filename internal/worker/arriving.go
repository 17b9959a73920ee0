package worker

import (
	"sync"

	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// arriving are the attempts whose input is on its way: the executor does not know
// them yet, and what it is told of them would be lost.
type arriving struct {
	mu    sync.Mutex
	known map[octaskly.AttemptID][]protocol.Stop // what was said meanwhile
}

func (a *arriving) enter(attempts []*executor.Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		a.known = map[octaskly.AttemptID][]protocol.Stop{}
	}
	for _, attempt := range attempts {
		a.known[attempt.ID] = nil
	}
}

// stop passes a wish on, now or when its attempt is there.
func (a *arriving) stop(e Executor, stop protocol.Stop) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if said, waits := a.known[stop.ID]; waits {
		a.known[stop.ID] = append(said, stop)
		return
	}
	e.Stop(stop.ID, stop.Drop)
}

// offer hands attempts to the executor, and what was said of them.
func (a *arriving) offer(e Executor, attempts []*executor.Attempt) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	err := e.Offer(attempts)
	for _, attempt := range attempts {
		for _, stop := range a.known[attempt.ID] {
			e.Stop(stop.ID, stop.Drop)
		}
		delete(a.known, attempt.ID)
	}
	return err
}
