package roster

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// book is the roster in memory. What the maps point to never changes: a changed row
// is another one.
type book struct {
	lock       sync.RWMutex
	identities map[string]*octaskly.Identity                       // by serial
	held       map[octaskly.WorkerID]map[string]*octaskly.Identity // the same, by worker
	invites    map[string]*octaskly.Invite
	removals   map[octaskly.WorkerID]*octaskly.Removal
	policy     Policy
}

// fill replaces all there is but the policy.
func (b *book) fill(all *store.Roster) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.identities = make(map[string]*octaskly.Identity, len(all.Identities))
	b.held = map[octaskly.WorkerID]map[string]*octaskly.Identity{}
	b.invites = make(map[string]*octaskly.Invite, len(all.Invites))
	b.removals = make(map[octaskly.WorkerID]*octaskly.Removal, len(all.Removals))
	b.put(all)
}

// apply takes over what is on disk now.
func (b *book) apply(rows *store.Roster) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.put(rows)
	for _, serial := range rows.RemovedIdentities {
		b.forget(serial)
	}
	for _, id := range rows.RemovedInvites {
		delete(b.invites, id)
	}
	for _, id := range rows.Readmitted {
		delete(b.removals, id)
	}
}

func (b *book) put(rows *store.Roster) {
	for _, i := range rows.Identities {
		b.identities[i.Serial] = &i
		if b.held[i.Worker] == nil {
			b.held[i.Worker] = map[string]*octaskly.Identity{}
		}
		b.held[i.Worker][i.Serial] = &i
	}
	for _, v := range rows.Invites {
		b.invites[v.ID] = &v
	}
	for _, gone := range rows.Removals {
		b.removals[gone.Worker] = &gone
	}
}

func (b *book) forget(serial string) {
	i := b.identities[serial]
	if i == nil {
		return
	}
	delete(b.identities, serial)
	if delete(b.held[i.Worker], serial); len(b.held[i.Worker]) == 0 {
		delete(b.held, i.Worker)
	}
}

func (b *book) removal(id octaskly.WorkerID) *octaskly.Removal {
	b.lock.RLock()
	defer b.lock.RUnlock()
	return b.removals[id]
}

// removalByKey is that of a worker which has had a certificate for a key, nil if there
// is none: an id is what a machine calls itself.
func (b *book) removalByKey(hash [sha256.Size]byte) *octaskly.Removal {
	b.lock.RLock()
	defer b.lock.RUnlock()
	for id, gone := range b.removals {
		for _, i := range b.held[id] {
			if bytes.Equal(i.Key, hash[:]) {
				return gone
			}
		}
	}
	return nil
}

// removalsOf are those of a worker's id, or else of its name.
func (b *book) removalsOf(name string) (found []*octaskly.Removal) {
	b.lock.RLock()
	defer b.lock.RUnlock()
	if gone := b.removals[octaskly.WorkerID(name)]; gone != nil {
		return []*octaskly.Removal{gone}
	}
	for _, gone := range b.removals {
		if gone.Name == name {
			found = append(found, gone)
		}
	}
	return found
}

func (b *book) identity(serial string) *octaskly.Identity {
	b.lock.RLock()
	defer b.lock.RUnlock()
	return b.identities[serial]
}

// identitiesOf are all of one worker, in no order.
func (b *book) identitiesOf(id octaskly.WorkerID) []*octaskly.Identity {
	b.lock.RLock()
	defer b.lock.RUnlock()
	return values(b.held[id])
}

func (b *book) allIdentities() []*octaskly.Identity {
	b.lock.RLock()
	defer b.lock.RUnlock()
	return values(b.identities)
}

func (b *book) invite(id string) *octaskly.Invite {
	b.lock.RLock()
	defer b.lock.RUnlock()
	return b.invites[id]
}

func (b *book) allInvites() []*octaskly.Invite {
	b.lock.RLock()
	defer b.lock.RUnlock()
	return values(b.invites)
}

func (b *book) allRemovals() []*octaskly.Removal {
	b.lock.RLock()
	defer b.lock.RUnlock()
	return values(b.removals)
}

// counts is how many certificates and removals there are.
func (b *book) counts() (identities, removals int) {
	b.lock.RLock()
	defer b.lock.RUnlock()
	return len(b.identities), len(b.removals)
}

// certified is how many workers have a certificate that is good.
func (b *book) certified(now time.Time) (n int) {
	b.lock.RLock()
	defer b.lock.RUnlock()
	for _, all := range b.held {
		for _, i := range all {
			if good(i, now) {
				n++
				break
			}
		}
	}
	return n
}

func values[K comparable, V any](m map[K]V) []V {
	list := make([]V, 0, len(m))
	for v := range maps.Values(m) {
		list = append(list, v)
	}
	return list
}

// good reports whether a certificate still lets its worker in.
func good(i *octaskly.Identity, now time.Time) bool {
	return i.RevokedAt.IsZero() && now.Before(i.ExpiresAt)
}
