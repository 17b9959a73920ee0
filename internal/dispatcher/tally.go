package dispatcher

import "sync"

// tally is how many bytes some files take up. It is kept as they come and go,
// and set right now and then by counting them.
type tally struct {
	mu    sync.Mutex
	bytes int64
	fresh map[string]struct{} // while files are counted: those that are no business of the count; nil: no count
	since int64               // bytes that were added during the count
}

func (t *tally) size() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bytes
}

// add takes a file in that is complete.
func (t *tally) add(name string, size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes += size
	if t.fresh != nil {
		t.fresh[name] = struct{}{}
		t.since += size
	}
}

func (t *tally) remove(size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes -= size
}

// begin starts a count, to which files that are still written do not belong.
func (t *tally) begin(unfinished ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since, t.fresh = 0, make(map[string]struct{}, len(unfinished))
	for _, name := range unfinished {
		t.fresh[name] = struct{}{}
	}
}

// counts reports whether a file belongs to the count.
func (t *tally) counts(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, fresh := t.fresh[name]
	return !fresh
}

// end says what the count has found.
func (t *tally) end(found int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes, t.fresh = found+t.since, nil
}

// abandon ends a count that has found nothing.
func (t *tally) abandon() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fresh = nil
}
