//go:build !race

package store

const thinned = 1
