package main

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// blockSize is the unit that is written whole or not at all.
const blockSize = 4096

// medium is what the disk holds. Offsets and lengths are whole blocks.
type medium struct {
	mu    sync.Mutex
	safe  []byte
	cache map[int64][]byte // blocks by number
	ahead *cut
	off   bool
}

// cut is how the power goes.
type cut struct {
	share int    // of the blocks in the cache that are kept, in percent
	seed  uint64 // draws them
	after int    // requests that still come, and more until the cache is in use

	kept, lost int
	done       chan struct{} // closed when it is dark
}

func newMedium(mib int) *medium {
	return &medium{safe: make([]byte, mib<<20), cache: map[int64][]byte{}}
}

func (m *medium) covers(at, n int64) bool {
	return at >= 0 && n >= 0 && at%blockSize == 0 && n%blockSize == 0 && at <= int64(len(m.safe))-n
}

func (m *medium) read(p []byte, at int64) (ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.powered() || !m.covers(at, int64(len(p))) {
		return false
	}
	copy(p, m.safe[at:])
	for i := int64(0); i < int64(len(p)); i += blockSize {
		if cached := m.cache[(at+i)/blockSize]; cached != nil {
			copy(p[i:], cached)
		}
	}
	return true
}

// write keeps parts of p. With fua it is on the medium, else in the cache.
func (m *medium) write(p []byte, at int64, fua bool) (ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.powered() || !m.covers(at, int64(len(p))) {
		return false
	}
	for block := range slices.Chunk(p, blockSize) {
		if fua {
			m.settle(at/blockSize, block)
		} else {
			m.cache[at/blockSize] = block
		}
		at += blockSize
	}
	return true
}

func (m *medium) flush() (ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.powered() {
		return false
	}
	for n, block := range m.cache {
		m.settle(n, block)
	}
	return true
}

// settle puts a block where it stays.
func (m *medium) settle(n int64, block []byte) {
	copy(m.safe[n*blockSize:], block)
	delete(m.cache, n)
}

// powered is asked for each request: is there power for it?
func (m *medium) powered() bool {
	if m.ahead != nil {
		if m.ahead.after--; m.ahead.after < 0 && len(m.cache) > 0 {
			m.goDark()
		}
	}
	return !m.off
}

func (m *medium) goDark() {
	c := m.ahead
	random := rand.New(rand.NewPCG(c.seed, 0))
	for n, block := range m.cache {
		if random.IntN(100) < c.share {
			m.settle(n, block)
			c.kept++
		}
	}
	c.lost = len(m.cache)
	clear(m.cache)
	m.off, m.ahead = true, nil
	close(c.done)
}

// cut returns when the power has gone.
func (m *medium) cut(c *cut) (kept, lost int) {
	c.done = make(chan struct{})
	m.mu.Lock()
	m.ahead = c
	m.mu.Unlock()
	<-c.done
	return c.kept, c.lost
}

func (m *medium) on() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off = false
}
