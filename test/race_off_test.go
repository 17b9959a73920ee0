//go:build !race

package test

const herdSize = 1000
