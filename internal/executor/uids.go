package executor

import (
	"math/rand/v2"
	"sync"
)

// MaxUIDs is how many users there are for tasks.
const MaxUIDs = 1 << 16

// uids gives every task a user of its own, one after the other, and none that a
// task still has: who starts many short ones could come round to it in minutes.
type uids struct {
	first uint32

	mu   sync.Mutex
	n    uint32
	used map[uint32]bool
}

// start begins anywhere: who restarts an executor does not meet the same users
// again.
func (u *uids) start(first uint32) {
	u.first, u.n, u.used = first, rand.Uint32N(MaxUIDs), map[uint32]bool{}
}

// next is the caller's until giveBack. There are more than slots.
func (u *uids) next() uint32 {
	u.mu.Lock()
	defer u.mu.Unlock()
	for {
		u.n = (u.n + 1) % MaxUIDs
		if uid := u.first + u.n; !u.used[uid] {
			u.used[uid] = true
			return uid
		}
	}
}

// take notes that a command has a user from an earlier program of this process.
func (u *uids) take(uid uint32) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.used[uid] = true
}

func (u *uids) giveBack(uid uint32) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.used, uid)
}
