// Package numbers is the arithmetic of measurements that are taken several times.
package numbers

import (
	"math"
	"slices"
	"time"
)

// Quantile is the value that a part q of all values, 0 to 1, does not exceed
// (nearest rank); NaN of none.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

// Median of an even number of values is the mean of the two in the middle; NaN
// of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// Ratios are a[i]/b[i] for the rounds that both have.
func Ratios(a, b []float64) []float64 {
	n := min(len(a), len(b))
	all := make([]float64, n)
	for i := range all {
		all[i] = a[i] / b[i]
	}
	return all
}

// InMillis is d in milliseconds.
func InMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
