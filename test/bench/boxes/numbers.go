package main

import (
	"math"
	"slices"
	"time"
)

// quantile is the value that a part q of all values, 0 to 1, does not exceed
// (nearest rank); NaN of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(int(math.Ceil(q*float64(len(sorted)))), 1)-1]
}

// median of an even number of values is the mean of the two in the middle; NaN of
// none. The ratio of few rounds would else be the best of them.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	switch {
	case len(sorted) == 0:
		return math.NaN()
	case len(sorted)%2 == 1:
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// ratios are a[i]/b[i] for the rounds that both have.
func ratios(a, b []float64) []float64 {
	all := make([]float64, min(len(a), len(b)))
	for i := range all {
		all[i] = a[i] / b[i]
	}
	return all
}

func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
