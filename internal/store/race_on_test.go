//go:build race

package store

// thinned: the race detector makes SQLite, which is Go here, seventeen times
// slower, and has nothing to find in tests that run one after the other.
const thinned = 8
