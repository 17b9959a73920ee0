package store

import (
	"fmt"
	"math"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// indexBits hold any octaskly.MaxIndex. The statements name them too.
const (
	indexBits = 30
	maxIndex  = 1<<indexBits - 1
	maxJob    = math.MaxInt64 >> indexBits
)

// taskKey is the primary key of a task: the job's id and the index in one
// integer, so that the elements of a job lie side by side. A name that no task
// can have, as people and workers may give it, is octaskly.ErrNotFound.
func taskKey(job octaskly.JobID, i octaskly.Index) (int64, error) {
	if job < 1 || job > maxJob || i < 0 || i > octaskly.MaxIndex {
		return 0, fmt.Errorf("task %d.%d: %w", job, i, octaskly.ErrNotFound)
	}
	return int64(job)<<indexBits | i, nil
}
