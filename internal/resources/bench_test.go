package resources

import (
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// BenchmarkGroup makes a group and closes it unused.
func BenchmarkGroup(b *testing.B) {
	c := openQuietly(b, b.TempDir())
	for b.Loop() {
		g, err := c.Group("slot")
		check(b, err)
		check(b, g.Close())
	}
}

// BenchmarkCommand starts a program that is not there, limited as far as this
// machine can, and ends it as if it had been.
func BenchmarkCommand(b *testing.B) {
	g, l := limited(b)
	defer g.Close()
	for b.Loop() {
		check(b, g.Limit(l))
		attr := syscall.ProcAttr{Sys: &syscall.SysProcAttr{}}
		if err := g.Start("", []string{"x"}, &attr, nil); err != unix.ENOENT {
			b.Fatal(err)
		}
		_, err := g.Usage()
		check(b, err)
		g.Struck()
		_, err = g.Clear(patience)
		check(b, err)
	}
}

func BenchmarkLimit(b *testing.B) {
	g, l := limited(b)
	defer g.Close()
	for b.Loop() {
		check(b, g.Limit(l))
	}
}

func BenchmarkUsage(b *testing.B) {
	g, _ := limited(b)
	defer g.Close()
	for b.Loop() {
		_, err := g.Usage()
		check(b, err)
	}
}

func BenchmarkStruck(b *testing.B) {
	g, l := limited(b)
	defer g.Close()
	check(b, g.Limit(l))
	for b.Loop() {
		if reason := g.Struck(); reason != "" {
			b.Fatal(reason)
		}
	}
}

// limited is a group and the limits that can be set there.
func limited(b *testing.B) (g Group, l octaskly.Limits) {
	b.Helper()
	c := openQuietly(b, b.TempDir())
	features, _ := c.Limits()
	if slices.Contains(features, octaskly.LimitMemory) {
		l.Memory = 1 << 30
	}
	if slices.Contains(features, octaskly.LimitProcesses) {
		l.Processes = 1000
	}
	g, err := c.Group("slot")
	check(b, err)
	return g, l
}
