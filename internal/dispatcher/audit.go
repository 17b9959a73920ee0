package dispatcher

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// What somebody changes stands in the audit log by the commit that changes it. The
// core works with a copy of the action: who has asked may be gone by then.

// about notes what a request is about, whatever becomes of it.
func about(who api.Caller, target string) {
	if who.Act != nil {
		who.Act.Target = cut(target, maxTarget)
	}
}

// deed is the action of a request that succeeds; nil: it is not audited.
func deed(who api.Caller, detail string) *octaskly.Action {
	if who.Act == nil {
		return nil
	}
	a := who.Act.Action
	a.Outcome, a.Detail = octaskly.Done, cut(detail, maxAuditDetail)
	if a.At.IsZero() {
		a.At = now()
	}
	return &a
}

const (
	maxTarget      = 256
	maxAuditDetail = 512
)

// cut makes at most limit bytes of a text.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	limit -= len("…")
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}

// write puts an action into the batch.
func (c *core) write(a *octaskly.Action) {
	if a != nil {
		c.batch.actions = append(c.batch.actions, *a)
	}
}

// wrote says that a is on disk.
func wrote(who api.Caller, a *octaskly.Action) {
	if a != nil {
		who.Act.Action, who.Act.Written = *a, true
	}
}

// target is how a user writes a selection.
func target(what api.Selection) string {
	switch {
	case what.Last:
		return "last"
	case what.All && what.Everyone:
		return "all of everyone"
	case what.All:
		return "all"
	case what.Elements != nil:
		return what.Jobs.String() + "." + what.Elements.String()
	}
	return what.Jobs.String()
}

// reached is the detail of what was done to tasks.
func reached(n int64, more string) string {
	text := "1 task"
	if n != 1 {
		text = fmt.Sprintf("%d tasks", n)
	}
	if more != "" {
		text += ": " + more
	}
	return text
}

// drainDetail says how a worker is drained.
func drainDetail(how api.DrainRequest) string {
	var parts []string
	if how.Deadline != nil {
		parts = append(parts, "deadline in "+time.Duration(*how.Deadline).String())
	}
	if how.Reason != "" {
		parts = append(parts, how.Reason)
	}
	return strings.Join(parts, ": ")
}
