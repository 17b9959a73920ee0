package executor

import (
	"math/rand/v2"
	"sync/atomic"
)

// MaxUIDs is how many users there are for tasks.
const MaxUIDs = 1 << 16

// uids gives every task a user of its own, one after the other. It takes a day of
// one task a second until one comes again, and nothing of a task is left by then
// but what it may have put where all the world can write.
type uids struct {
	first uint32
	n     atomic.Uint32
}

// start begins anywhere: who restarts an executor does not meet the same users
// again.
func (u *uids) start(first uint32) {
	u.first = first
	u.n.Store(rand.Uint32N(MaxUIDs))
}

func (u *uids) next() uint32 { return u.first + u.n.Add(1)%MaxUIDs }
