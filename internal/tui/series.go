package tui

import "time"

const (
	sampleEvery = 5 * time.Second
	maxSamples  = 60 // five minutes
)

// series is one figure over the last minutes, a value for each five seconds.
type series struct {
	values []float64
	last   time.Time // of the latest value
}

// add notes what the figure is now. Within one step the greatest counts; for each
// that was missed there is a gap.
func (s *series) add(now time.Time, v float64) {
	at := now.Truncate(sampleEvery)
	n := len(s.values)
	switch missed := int(at.Sub(s.last) / sampleEvery); {
	case n == 0 || missed < 0: // the clock was set back
	case missed == 0:
		s.values[n-1] = max(s.values[n-1], v)
		return
	default:
		for range min(missed-1, maxSamples) {
			s.values = append(s.values, 0)
		}
	}
	s.values, s.last = append(s.values, v), at
	if over := len(s.values) - maxSamples; over > 0 {
		s.values = append(s.values[:0], s.values[over:]...)
	}
}
