package tui

import (
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

func (d *taskDetail) facts() (f facts) {
	p := d.m.palette
	if d.err != nil && d.m.link.err == nil {
		f.add("error", d.err.Error(), p.bad)
	}
	if d.job == nil {
		return f
	}
	j := d.job
	if d.detail != nil {
		f.add("state", stateLine(d.detail), p.ofState(j.State))
		f.add("waits", d.detail.Waits, p.warning)
	} else {
		f.add("state", j.State.String(), p.ofState(j.State))
	}
	result := strings.TrimSuffix(resultText(j.State, j.Reason, j.Exit)+": "+j.Detail, ": ")
	if j.State.Terminal() {
		f.add("result", result, p.ofState(j.State))
	}
	f.add("progress", d.progressText(), p.note)
	if j.Tasks > 1 {
		f.add("tasks", fmt.Sprintf("%d (%s)", j.Tasks, countsText(j.Counts)), p.plain)
	}
	f.add("command", commandText(j.Command), p.plain)
	f.add("worker", workerOf(j), p.plain)
	d.attemptFacts(&f)
	f.add("owner", j.Owner, p.plain)
	f.add("submitted", when(&j.SubmittedAt, d.m.now), p.plain)
	if workerOf(j) != "" {
		f.add("started", when(j.StartedAt, d.m.now), p.plain)
	}
	f.add("ended", when(j.EndedAt, d.m.now), p.plain)
	if workerOf(j) != "" {
		f.add("took", tookText(j.StartedAt, j.EndedAt, d.m.now), p.plain)
	}
	d.submissionFacts(&f)
	return f
}

func (d *taskDetail) attemptFacts(f *facts) {
	if d.detail == nil || len(d.detail.Attempts) == 0 {
		return
	}
	a := &d.detail.Attempts[len(d.detail.Attempts)-1]
	if a.Number > 1 {
		f.add("attempt", fmt.Sprint(a.Number), d.m.palette.plain)
	}
	f.add("using", usageText(a.Usage), d.m.palette.note)
}

// usageText is what a running attempt uses.
func usageText(u *api.Usage) string {
	if u == nil {
		return ""
	}
	var parts []string
	if u.CPUTime > 0 {
		parts = append(parts, units.Duration(u.CPUTime).Human()+" cpu time")
	}
	if u.Memory > 0 {
		parts = append(parts, sizeText(u.Memory)+" memory")
	}
	if u.Processes > 0 {
		parts = append(parts, fmt.Sprintf("%d processes", u.Processes))
	}
	if u.Disk > 0 {
		parts = append(parts, sizeText(u.Disk)+" disk")
	}
	return strings.Join(parts, ", ")
}

func (d *taskDetail) submissionFacts(f *facts) {
	if d.detail == nil {
		return
	}
	p, s := d.m.palette.plain, &d.detail.Submission
	f.add("sandbox", s.Sandbox, p)
	f.add("cwd", string(s.Cwd), p)
	f.add("array", d.detail.Array, p)
	if s.Timeout != nil && *s.Timeout > 0 {
		f.add("timeout", units.Duration(*s.Timeout).String(), p)
	}
	if s.Retries > 0 {
		f.add("retries", fmt.Sprint(s.Retries), p)
	}
}

func (d *taskDetail) progressText() string {
	if d.job.Tasks < 2 && d.job.Array == "" || d.elements == nil {
		return ""
	}
	text := d.m.progressText(d.job, 40)
	if d.job.Rate > 0 {
		text += ", " + rateText(d.job.Rate)
	}
	if left := leftText(d.job); left != "" {
		text += ", " + left + " left"
	}
	return text
}

func stateLine(d *api.Detail) string {
	text := d.State.String()
	if d.Cancelling {
		text += ", being cancelled"
	}
	if d.Failures > 0 && !d.State.Terminal() {
		text += fmt.Sprintf(", failed %d of %d times allowed", d.Failures, d.Submission.Retries+1)
	}
	return text
}

func workerOf(j *api.Job) string {
	if j.State == octaskly.Queued {
		return ""
	}
	return j.Worker
}
