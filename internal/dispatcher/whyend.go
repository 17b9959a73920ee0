package dispatcher

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// bounds are the limits that end tasks or make them fail: what they limit, the flag
// that raises them, and their numbers in words.
var bounds = map[octaskly.Reason]struct {
	what, flag string
	text       func(float64) string
}{
	octaskly.ReasonOOM:       {"memory", "--memory", size},
	octaskly.ReasonDisk:      {"disk", "--disk", size},
	octaskly.ReasonProcesses: {"processes", "--processes", func(n float64) string { return fmt.Sprint(int64(n)) }},
	octaskly.ReasonCPUTime:   {"processor time", "--cpu-time", seconds},
	octaskly.ReasonTimeout:   {"wall time", "--timeout", seconds},
}

func seconds(n float64) string { return duration(time.Duration(n * float64(time.Second))) }

// howEnded is how a job or element has ended.
func howEnded(d *api.Detail) *api.WhyEnd {
	end := &api.WhyEnd{Reason: d.Reason, Exit: d.Exit, Worker: d.Worker, Attempts: len(d.Attempts), Failed: d.Failed}
	for i := range d.Attempts {
		if a := &d.Attempts[i]; a.Reason == octaskly.ReasonWorkerLost {
			end.Lost++
		}
	}
	if n := len(d.Attempts); n > 0 && d.Attempts[n-1].Reason == d.Reason {
		end.Limit, end.Peak = d.Attempts[n-1].Limit, d.Attempts[n-1].Peak
	}
	if d.Reason == octaskly.ReasonTimeout && end.Limit == 0 && d.Submission.Timeout != nil {
		end.Limit = time.Duration(*d.Submission.Timeout).Seconds()
	}
	end.Flag = bounds[d.Reason].flag
	end.Words = cmp.Or(limitWords(end), reasonWords(d.Reason, d.Detail))
	return end
}

// limitWords are "it reached its limit of 2 GiB memory (peak 2 GiB); --memory raises it".
func limitWords(e *api.WhyEnd) string {
	b, known := bounds[e.Reason]
	if !known || e.Limit <= 0 {
		return ""
	}
	text := "it reached its limit of " + b.text(e.Limit) + " " + b.what
	if e.Peak > 0 {
		text += " (peak " + b.text(e.Peak) + ")"
	}
	return text + "; " + b.flag + " raises it"
}

// ended tells of a task that is over, or of an array.
func (w words) ended() []string {
	d, e := w.detail, w.End
	if d.Tasks > 1 {
		return w.endedAll()
	}
	text := fmt.Sprintf("Task %s %s", d.ID, pastOf(d.State))
	if d.Worker != "" {
		text += " on worker " + d.Worker
	}
	if d.StartedAt != nil && d.EndedAt != nil {
		text += " after " + duration(d.EndedAt.Sub(*d.StartedAt))
	}
	if e.Words != "" {
		text += ": " + e.Words
	}
	say := []string{text + "."}
	if e.Attempts > 1 {
		more := fmt.Sprintf("It took %d attempts", e.Attempts)
		if e.Lost > 0 {
			more += fmt.Sprintf(", of which %d went with %s", e.Lost, plural(e.Lost, "its worker", "their workers"))
		}
		say = append(say, more+".")
	}
	if d.State != octaskly.Completed {
		say = append(say, fmt.Sprintf("octasklyctl logs %s shows what it wrote; octasklyctl retry %s runs it once more.", d.ID, d.ID))
	}
	return say
}

func plural(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

func (w words) endedAll() []string {
	d := w.detail
	var parts []string
	for _, s := range octaskly.States {
		if n := d.Counts[s.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(s.String(), "_", " ")))
		}
	}
	say := []string{fmt.Sprintf("Job %s is over: of %d tasks %s.", d.ID, d.Tasks, strings.Join(parts, ", "))}
	if len(d.Failed) > 0 {
		first := d.Failed[0]
		say = append(say, fmt.Sprintf("The first that failed is %s: %s. octasklyctl why %s tells more; octasklyctl retry %s runs once more what did not complete.",
			first.ID, reasonWords(first.Reason, first.Detail), first.ID, d.ID))
	}
	return say
}

// pastOf is what became of a task that ended in a state.
func pastOf(s octaskly.State) string {
	switch s {
	case octaskly.TimedOut:
		return "timed out"
	case octaskly.Cancelled:
		return "was cancelled"
	}
	return s.String()
}
