package store

import (
	"path/filepath"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// What was used at a moment is gone with the attempt; a worker's checks are those
// of its latest row.
func testUsage(t *testing.T, open opener) {
	s := open(t, filepath.Join(t.TempDir(), "octaskly.db"))
	c := plainJob(1)
	id := octaskly.AttemptID{Job: 1, Number: 1}
	used := octaskly.Usage{CPUTime: 1, Memory: 2, MemoryPeak: 3, Processes: 4, ProcessesPeak: 5, Read: 6, Written: 7, Disk: 8, DiskPeak: 9}
	c.Attempts = []octaskly.Attempt{{ID: id, Seq: 1, End: octaskly.End{Usage: used}}}
	c.Workers = []octaskly.Worker{{ID: "w", Checks: []octaskly.Check{{Subject: "s", Name: "n"}}}, {ID: "w"}, {ID: "v"}, {ID: "v", Checks: []octaskly.Check{{Name: "m"}}}}
	put(t, s, c)
	used.CPUTime, used.Memory, used.Processes, used.Disk = 0, 0, 0, 0
	attempts, err := s.Attempts(ctx, 1, 0)
	same(t, "Attempts", []octaskly.Attempt{{ID: id, Seq: 1, End: octaskly.End{Usage: used}}}, attempts, err)
	snapshot, err := s.Load(ctx)
	same(t, "Workers", []octaskly.Worker{c.Workers[3], c.Workers[1]}, snapshot.Workers, err)
}
