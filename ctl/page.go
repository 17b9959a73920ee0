package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

// writeDetail shows all that is known of a job or an element: "key: value"
// lines, then a table of the attempts. Lines without a value are left out.
func writeDetail(w io.Writer, d *api.Detail, now time.Time) error {
	p := &page{}
	p.line("id", d.ID)
	p.line("name", d.Name)
	p.line("owner", d.Owner)
	p.line("state", stateLine(d))
	p.line("result", resultLine(d))
	p.line("using", usingLine(d))
	p.line("command", commandText(d.Command))
	p.submission(&d.Submission)
	p.line("array", d.Array)
	p.line("tasks", countsText(d))
	p.line("waits", d.Waits)
	p.line("queued", d.Queued)
	p.line("cancelled", d.Dropped)
	for _, e := range d.Failed {
		p.line("failed", e.ID+" ("+resultText(e.State, e.Reason, e.Exit)+")")
	}
	p.line("worker", workerText(&d.Job))
	p.past("submitted", &d.SubmittedAt, now)
	p.time("not before", d.NotBefore, now)
	p.past("started", startOf(&d.Job), now)
	p.past("ended", d.EndedAt, now)
	p.line("took", tookText(d, now))
	if err := p.write(w); err != nil || len(d.Attempts) == 0 {
		return err
	}
	return writeAttempts(w, d, now)
}

// page gathers "key: value" lines.
type page struct {
	text strings.Builder
}

func (p *page) line(key, value string) {
	if value != "" {
		fmt.Fprintf(&p.text, "%-12s %s\n", key+":", defuse(value))
	}
}

func (p *page) time(key string, t *time.Time, now time.Time) {
	if t != nil && !t.IsZero() {
		p.line(key, t.Local().Format(time.RFC3339)+" ("+agoText(*t, now)+")")
	}
}

// past is time for what has happened. It lies ahead where the dispatcher's clock, or
// this machine's, has been set back; then nobody knows how long ago it was.
func (p *page) past(key string, t *time.Time, now time.Time) {
	if t != nil && t.After(now) {
		p.line(key, t.Local().Format(time.RFC3339))
		return
	}
	p.time(key, t, now)
}

func (p *page) write(w io.Writer) error {
	_, err := io.WriteString(w, p.text.String())
	return err
}

func (p *page) submission(s *api.Submission) {
	p.line("cwd", string(s.Cwd))
	for _, v := range s.Env {
		p.line("env", quote(string(v)))
	}
	for _, v := range s.SecretEnv {
		p.line("env", string(v)) // NAME=(secret)
	}
	p.line("stdin", string(s.Stdin))
	p.line("items", string(s.Items))
	p.line("at once", positive(s.AtOnce, "%d"))
	p.line("sandbox", s.Sandbox)
	p.line("network", s.Network)
	if s.KeepWorkspace {
		p.line("workspace", "is kept")
	}
	if s.Limits != nil || s.Sandbox != "" {
		p.line("limits", limitsText(limitsOf(s)))
	}
	if s.Timeout != nil && *s.Timeout > 0 {
		p.line("timeout", units.Duration(*s.Timeout).String())
	}
	p.line("retries", positive(s.Retries, "%d"))
	if s.Backoff != nil && s.Retries > 0 {
		p.line("backoff", units.Duration(*s.Backoff).String())
	}
	if s.AtMostOne {
		p.line("at most one", "it stops when its worker is out of touch for half a lease")
	}
	p.line("cpus", positive(s.CPUs, "%g"))
	if s.Memory > 0 {
		p.line("memory", sizeText(s.Memory)+" reserved")
	}
	if s.Merge {
		p.line("merge", "stderr goes into stdout")
	}
	p.line("key", s.Key)
}

func positive[N int | int64 | float64](n N, format string) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(format, n)
}

func stateLine(d *api.Detail) string {
	state := d.State.String()
	if d.Cancelling {
		state += ", being cancelled"
	}
	if d.Failures > 0 && !d.State.Terminal() { // the last failure is not counted
		state += fmt.Sprintf(", failed %d of %d times allowed", d.Failures, d.Submission.Retries+1)
	}
	return state
}

func resultLine(d *api.Detail) string {
	text := resultText(d.State, d.Reason, d.Exit)
	if words := resultWords(d); words != "" {
		text = strings.TrimPrefix(text+": "+words, ": ")
	}
	return text
}

func resultWords(d *api.Detail) string {
	words := lossWords(d.Reason)
	if n := lostTimes(d.Reason); n != "" {
		words = "its worker went away " + n + " times while it ran"
	}
	if words != "" {
		return withDetail(words, d.Detail)
	}
	return cmp.Or(struck(lastAttempt(d)), d.Detail)
}

// usingLine is what a running attempt uses.
func usingLine(d *api.Detail) string {
	n := len(d.Attempts)
	if d.State.Terminal() || n == 0 || d.Attempts[n-1].Usage == nil {
		return ""
	}
	return usageText(d.Attempts[n-1].Usage)
}

// tookText is how long the job or element ran. A task's last attempt tells it by
// its worker's stopwatch, which no clock that is set anew deceives.
func tookText(d *api.Detail, now time.Time) string {
	if a := lastAttempt(d); a != nil && a.StartedAt != nil && a.EndedAt != nil && d.State.Terminal() {
		return timeText(a.StartedAt, a.EndedAt, now)
	}
	return timeText(startOf(&d.Job), d.EndedAt, now)
}

// countsText is "1000: 3 failed, 340 completed" for more than one task.
func countsText(d *api.Detail) string {
	if d.Tasks < 2 {
		return ""
	}
	var parts []string
	for _, name := range sortedStates(d.Counts) {
		parts = append(parts, fmt.Sprintf("%d %s", d.Counts[name], name))
	}
	return strings.TrimSuffix(fmt.Sprintf("%d (%s), %s", d.Tasks, strings.Join(parts, ", "), paceText(&d.Job)), ", ")
}

// sortedStates are the keys of counts in the order of a task's life, states that
// this version does not know behind them.
func sortedStates(counts map[string]int64) []string {
	names := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(names, func(a, b string) int { return stateRank(a) - stateRank(b) })
	return names
}

func stateRank(name string) int {
	if s, err := octaskly.ParseState(name); err == nil {
		return int(s)
	}
	return int(octaskly.Cancelled) + 1
}

// agoText is "3m ago" or "in 5s".
func agoText(t, now time.Time) string {
	if d := t.Sub(now); d > 0 {
		return "in " + units.Duration(d).Human()
	}
	return pastText(t, now)
}

// pastText is "3m ago", of what has happened.
func pastText(t, now time.Time) string { return sinceText(t, now) + " ago" }
