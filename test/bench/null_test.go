package main

import (
	"context"
	"testing"
)

func BenchmarkNull(b *testing.B) {
	for b.Loop() {
		figures, err := measureNull(context.Background(), &lab{dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(figures[0], "tasks/s")
	}
}
