package auth

import (
	"container/list"
	"crypto/sha256"
)

// maxRecent bounds each table of who did something lately.
const maxRecent = 10_000

// maxKey is how long a key is kept as it is: names come from strangers.
const maxKey = 128

// recent is a table that forgets whoever was longest not asked for.
type recent[V any] struct {
	max   int
	order list.List // of *recentEntry[V], the latest in front
	byKey map[string]*list.Element
}

type recentEntry[V any] struct {
	key   string
	value V
}

func newRecent[V any](max int) *recent[V] {
	return &recent[V]{max: max, byKey: map[string]*list.Element{}}
}

// get returns what is kept for key, which it makes where there is nothing.
func (r *recent[V]) get(key string) *V {
	if kept := r.peek(key); kept != nil {
		return kept
	}
	if r.order.Len() >= r.max {
		oldest := r.order.Remove(r.order.Back()).(*recentEntry[V])
		delete(r.byKey, oldest.key)
	}
	entry := &recentEntry[V]{key: shorten(key)}
	r.byKey[entry.key] = r.order.PushFront(entry)
	return &entry.value
}

// peek returns what is kept for key, or nil.
func (r *recent[V]) peek(key string) *V {
	e, ok := r.byKey[shorten(key)]
	if !ok {
		return nil
	}
	r.order.MoveToFront(e)
	return &e.Value.(*recentEntry[V]).value
}

func (r *recent[V]) remove(key string) {
	key = shorten(key)
	if e, ok := r.byKey[key]; ok {
		r.order.Remove(e)
		delete(r.byKey, key)
	}
}

func (r *recent[V]) len() int { return r.order.Len() }

func shorten(key string) string {
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return string(sum[:])
}
