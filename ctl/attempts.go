package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/units"
)

// writeAttempts is a table of a task's attempts, and lines about them that no
// column holds. What they used is at its peak.
func writeAttempts(w io.Writer, d *api.Detail, now time.Time) error {
	t := newTable("#", "STATE", "RESULT", "WORKER", "STARTED", "TIME", "CPU", "MEMORY", "PROCS", "DISK", "STDOUT", "STDERR")
	t.give, t.width = 3, terminalWidth(w)
	var notes strings.Builder
	for i := range d.Attempts {
		a := &d.Attempts[i]
		u := usageOf(a)
		t.add(fmt.Sprint(a.Number), a.State.String(), resultText(a.State, a.Reason, nil), a.Worker,
			clockText(a.StartedAt, now), timeText(a.StartedAt, cmp.Or(a.EndedAt, a.LostAt), now), units.Duration(u.CPUTime).Human(), knownSize(u.MemoryPeak),
			positive(u.ProcessesPeak, "%d"), knownSize(u.DiskPeak), shortSize(a.Stdout), shortSize(a.Stderr))
		if text := attemptNotes(a, d.ID, resultWords(d), now); text != "" {
			fmt.Fprintf(&notes, "attempt %d: %s\n", a.Number, defuse(text))
		}
	}
	t.dropEmpty("PROCS", "DISK")
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	if err := t.write(w); err != nil {
		return err
	}
	_, err := io.WriteString(w, notes.String())
	return err
}

// usageOf completes what is known of an attempt by what wait4(2) has told of its
// command.
func usageOf(a *api.Attempt) api.Usage {
	var u api.Usage
	if a.Usage != nil {
		u = *a.Usage
	}
	u.CPUTime = cmp.Or(u.CPUTime, a.CPUTime)
	u.MemoryPeak = cmp.Or(u.MemoryPeak, a.MaxRSS, u.Memory)
	u.ProcessesPeak = max(u.ProcessesPeak, u.Processes)
	u.DiskPeak = max(u.DiskPeak, u.Disk)
	return u
}

// attemptNotes leaves out what was said already. The id is the task's.
func attemptNotes(a *api.Attempt, id, said string, now time.Time) string {
	var notes []string
	if words := attemptWords(a); words != "" && words != said {
		notes = append(notes, words)
	}
	notes = append(notes, comebackNotes(a, id, now)...)
	if text := usageText(&api.Usage{Read: usageOf(a).Read, Written: usageOf(a).Written}); text != "" && a.State.Terminal() {
		notes = append(notes, text)
	}
	if a.Discarded > 0 {
		notes = append(notes, sizeText(a.Discarded)+" of output discarded")
	}
	if a.Leftover {
		notes = append(notes, "processes outlived the command and were killed")
	}
	if a.Workspace != "" {
		notes = append(notes, fmt.Sprintf("its workspace is kept on %s: %s", a.Worker, a.Workspace))
	}
	return strings.Join(notes, "; ")
}

// comebackNotes are about an attempt whose worker may be back with it, or was, too
// late.
func comebackNotes(a *api.Attempt, id string, now time.Time) (notes []string) {
	if a.LostAt != nil {
		notes = append(notes, "given up at "+clockText(a.LostAt, now)+"; its worker may yet be back with it")
	}
	if late := a.Late; late != nil {
		how := late.State.String()
		if late.Reason != "" {
			how += " (" + string(late.Reason) + ")"
		}
		notes = append(notes, fmt.Sprintf("its worker said later: %s at %s; that changed nothing; octasklyctl logs --attempt %d %s has its output",
			how, clockText(&late.EndedAt, now), a.Number, id))
	}
	return notes
}

// clockText is a time of today, "15:04:05", or a day, "2006-01-02 15:04", in the
// time zone of now; "" for none.
func clockText(t *time.Time, now time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	at := t.In(now.Location())
	if at.Year() == now.Year() && at.YearDay() == now.YearDay() {
		return at.Format(time.TimeOnly)
	}
	return at.Format("2006-01-02 15:04")
}

func sizeText(n int64) string { return units.Size(n).Human() }

// knownSize leaves out what is not known.
func knownSize(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return shortSize(bytes)
}
