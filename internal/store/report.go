package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Salvage tells what a damaged database was saved from, and what was not saved.
// Its lists are ranges, for people.
type Salvage struct {
	At      time.Time `json:"at"`
	Why     string    `json:"why"`
	Aside   string    `json:"aside,omitempty"` // where the damaged file is, beside the database; empty: there was none
	Saved   string    `json:"saved"`           // rows, for people
	Pages   int       `json:"pages"`           // that could not be read
	Rows    int       `json:"rows"`            // likewise, on pages that could
	Again   int64     `json:"again"`           // tasks that run again, since nothing is known of their end
	Rebuilt int64     `json:"rebuilt"`         // tasks whose state was lost, and is that of their latest result
	Guessed int64     `json:"guessed"`         // tasks that are over and of which little else is known

	Undone     int64  `json:"undone,omitempty"` // jobs that are gone and were not over
	UndoneIDs  string `json:"undone_ids,omitempty"`
	Lost       int64  `json:"lost"` // other jobs that are gone
	LostIDs    string `json:"lost_ids,omitempty"`
	Touched    int64  `json:"touched"` // jobs of which something was lost
	TouchedIDs string `json:"touched_ids,omitempty"`
	Silent     int64  `json:"silent,omitempty"` // tasks that are over and have no attempts left, nor output
	SilentIDs  string `json:"silent_ids,omitempty"`

	Actions  int64 `json:"actions,omitempty"`  // rows of the audit log that are gone
	Disabled int64 `json:"disabled,omitempty"` // users who may have been removed, disabled or changed before
}

// Lines tell people of it, one thing each.
func (r *Salvage) Lines() []string {
	first := fmt.Sprintf("the database was damaged (%s)", r.Why)
	if r.Aside != "" {
		first += "; it is kept as " + r.Aside
	}
	saved := r.Saved
	if saved == "" {
		saved = "nothing"
	}
	lines := []string{first, fmt.Sprintf("saved: %s; not readable: %d pages, and %d rows on others", saved, r.Pages, r.Rows)}
	add := func(n int64, format string, args ...any) {
		if n > 0 {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	add(r.Undone, "%d jobs that were not over are lost, and do not run any more: %s", r.Undone, r.UndoneIDs)
	add(r.Lost, "%d jobs are lost: %s", r.Lost, r.LostIDs)
	add(r.Touched, "something was lost of %d jobs that go on or are kept: %s", r.Touched, r.TouchedIDs)
	add(r.Silent, "the records of %d tasks that are over are lost, and what they wrote: %s", r.Silent, r.SilentIDs)
	add(r.Rebuilt, "%d tasks have the state that their latest result tells", r.Rebuilt)
	add(r.Again, "%d tasks run again: nothing is known of their end", r.Again)
	add(r.Guessed, "%d tasks are over, but how they ended is partly lost", r.Guessed)
	add(r.Actions, "%d rows of the audit log are lost; octasklyctl audit verify says which", r.Actions)
	add(r.Disabled, "%d users are disabled: they may have been so before, or removed", r.Disabled)
	return append(lines, "if there is a backup, octasklyd dispatcher restore FILE brings back what it has, into an empty state directory")
}

const (
	maxNaming = 4 << 10 // bytes of a list in a report
	maxSilent = 100     // ranges of tasks without attempts
)

// naming is a list of ranges for a report.
func naming(parts []string) string {
	text := strings.Join(parts, ",")
	if len(text) <= maxNaming {
		return text
	}
	return text[:strings.LastIndexByte(text[:maxNaming], ',')] + ",…"
}

// namingJobs is a list of jobs, which are in the order of their ids.
func namingJobs(ids []octaskly.JobID) string {
	var set octaskly.Ranges
	for _, id := range ids {
		set = appendIndex(set, octaskly.Index(id))
	}
	return naming([]string{set.String()})
}
