package api

import (
	"errors"
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

const selectorHelp = "want ids such as 42, 1-10:2,15 (jobs), 42.7 or 42.3-7 (elements), or one of last and all"

// ParseSelection reads a selector:
//
//	42          a job
//	42.7        one element of an array job
//	42.3-7,9    several of them, ranges as for --array
//	1-10:2,15   several jobs
//	last        the caller's latest job
//	all         the caller's jobs that are not over
func ParseSelection(text string) (Selection, error) {
	switch text {
	case "last":
		return Selection{Last: true}, nil
	case "all":
		return Selection{All: true}, nil
	}
	job, elements, array := strings.Cut(text, ".")
	s := Selection{}
	var err error
	if s.Jobs, err = parseJobs(job, array); err == nil && array {
		s.Elements, err = octaskly.ParseRanges(elements)
	}
	if err != nil {
		return Selection{}, fmt.Errorf("cannot read selector %q: %w; %s", shorten(text), err, selectorHelp)
	}
	return s, nil
}

// parseJobs reads ids of jobs; a single one may be larger than an index.
func parseJobs(text string, single bool) (octaskly.Ranges, error) {
	id, err := octaskly.ParseTaskID(text)
	if err == nil {
		return octaskly.Span(int64(id.Job), int64(id.Job)), nil
	}
	jobs, err := octaskly.ParseRanges(text)
	switch {
	case err != nil:
		return nil, err
	case single:
		return nil, errors.New("elements are those of one job")
	case jobs.Contains(0):
		return nil, errors.New("the ids of jobs begin at 1")
	}
	return jobs, nil
}
