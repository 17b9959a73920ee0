package store

import (
	"slices"
	"sync"
)

// turns let one in at a time: those in a hurry before others, and otherwise in
// the order in which they came. So a commit of the core waits for the transaction
// that is in progress and for none that waits, too.
type turns struct {
	guard       sync.Mutex
	taken       bool
	hasty, calm []chan struct{} // who waits; the former are in a hurry
}

func (t *turns) take(hasty bool) {
	t.guard.Lock()
	if !t.taken {
		t.taken = true
		t.guard.Unlock()
		return
	}
	turn := make(chan struct{})
	if hasty {
		t.hasty = append(t.hasty, turn)
	} else {
		t.calm = append(t.calm, turn)
	}
	t.guard.Unlock()
	<-turn
}

// give ends a turn: whose is next has it at once.
func (t *turns) give() {
	t.guard.Lock()
	defer t.guard.Unlock()
	next := &t.hasty
	if len(*next) == 0 {
		next = &t.calm
	}
	if len(*next) == 0 {
		t.taken = false
		return
	}
	close((*next)[0])
	*next = slices.Delete(*next, 0, 1)
}
