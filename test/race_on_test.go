//go:build race

package test

// herdSize: the race detector makes TLS, of which both ends are in play, ten times
// slower.
const herdSize = 100
