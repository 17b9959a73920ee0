package main

import (
	"sync"
	"time"

	"github.com/octaskly/octaskly/test/bench/numbers"
)

// stages are the parts of a command's time. Those of commands apart are
// kept.
type stages struct {
	names []string

	mu      sync.Mutex
	keeping bool
	figures [][]float64 // milliseconds; of each stage one a command
}

func (s *stages) add(took ...time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.keeping {
		return
	}
	if s.figures == nil {
		s.figures = make([][]float64, len(took))
	}
	for i, d := range took {
		s.figures[i] = append(s.figures[i], numbers.InMillis(d))
	}
}

// between takes the times when each stage begins, and when the last one ends.
func (s *stages) between(at []time.Time) {
	took := make([]time.Duration, len(at)-1)
	for i := range took {
		took[i] = at[i+1].Sub(at[i])
	}
	s.add(took...)
}

func (s *stages) keep(keeping bool) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keeping = keeping
}
