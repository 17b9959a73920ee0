package octaskly

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// JobID numbers jobs from 1 in the order of their acceptance. It comes from the
// store and is never used twice.
type JobID int64

func (id JobID) String() string { return strconv.FormatInt(int64(id), 10) }

// Index is an element's place in its array. The single task of a plain job has
// index 0.
type Index = int64

// MaxIndex bounds array indices.
const MaxIndex Index = 999_999_999

// TaskID names one task.
type TaskID struct {
	Job   JobID
	Index Index
	Array bool // the task is an element of an array job, written "42.7"
}

func (id TaskID) String() string {
	if !id.Array {
		return id.Job.String()
	}
	return id.Job.String() + "." + strconv.FormatInt(id.Index, 10)
}

// ParseTaskID reads "42" or "42.7".
func ParseTaskID(text string) (TaskID, error) {
	job, index, array := strings.Cut(text, ".")
	var id TaskID
	n, err := parseNumber(job, math.MaxInt64)
	if err != nil || n == 0 {
		return id, fmt.Errorf("cannot read id %q: want a job such as 42 or an element such as 42.7", text)
	}
	id = TaskID{Job: JobID(n), Array: array}
	if array {
		if id.Index, err = parseNumber(index, MaxIndex); err != nil {
			return TaskID{}, fmt.Errorf("cannot read id %q: element %q: %w", text, index, err)
		}
	}
	return id, nil
}

// AttemptID is an attempt's name within one fleet and generation of its store.
type AttemptID struct {
	Job    JobID `cbor:"1,keyasint"`
	Index  Index `cbor:"2,keyasint,omitempty"`
	Number int   `cbor:"3,keyasint"`
}

func (id AttemptID) String() string {
	return fmt.Sprintf("%d.%d/%d", id.Job, id.Index, id.Number)
}

// parseNumber reads a plain decimal number from 0 to limit; "_" may separate
// digits, as in 1_000_000.
func parseNumber(text string, limit int64) (int64, error) {
	digits := strings.ReplaceAll(text, "_", "")
	if digits == "" || strings.HasPrefix(text, "_") || strings.HasSuffix(text, "_") {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%q is not a number", text)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > limit {
		return 0, fmt.Errorf("%s is more than %d", digits, limit)
	}
	return n, nil
}
