//go:build race

package store

// thinning: the race detector makes SQLite, which is Go here, seventeen times
// slower, and has nothing to find in tests that run one after the other.
const thinning = 16
