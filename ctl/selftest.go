package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
)

// subject is what stands or falls with some checks of a self-test.
type subject struct {
	name   string
	held   []string // names of checks
	failed []api.Check
}

// subjects groups checks, in the order in which their subjects first come.
func subjects(checks []api.Check) []*subject {
	var all []*subject
	byName := map[string]*subject{}
	for _, check := range checks {
		s := byName[check.Subject]
		if s == nil {
			s = &subject{name: check.Subject}
			byName[check.Subject] = s
			all = append(all, s)
		}
		if check.Held {
			s.held = append(s.held, check.Name)
		} else {
			s.failed = append(s.failed, check)
		}
	}
	return all
}

// verdict sums a self-test up.
func verdict(checks []api.Check) string {
	failed := 0
	for _, check := range checks {
		if !check.Held {
			failed++
		}
	}
	switch {
	case len(checks) == 0:
		return "there is no report of one"
	case failed == 0:
		return fmt.Sprintf("all %d checks held", len(checks))
	}
	return fmt.Sprintf("%d of %d checks did not hold", failed, len(checks))
}

// writeSelfTest says of each subject what has not held, each on a line with its
// reason below, and then what has, by name alone.
func writeSelfTest(w io.Writer, checks []api.Check) error {
	var text strings.Builder
	for _, s := range subjects(checks) {
		fmt.Fprintf(&text, "\n%s: %d of %d checks held\n", defuse(s.name), len(s.held), len(s.held)+len(s.failed))
		for _, check := range s.failed {
			fmt.Fprintf(&text, "  FAILED  %s\n", defuse(checkText(check)))
			writeFolded(&text, strings.Fields(check.Why), " ")
		}
		if len(s.held) > 0 {
			text.WriteString("  held\n")
			writeFolded(&text, s.held, ", ")
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func checkText(c api.Check) string {
	if c.What == "" {
		return c.Name
	}
	return c.Name + ": " + c.What
}

// The text of a report is folded to fit into usualWidth.
const reportIndent = "          "

// writeFolded writes words with a separator between them, on as many lines as
// they need.
func writeFolded(w *strings.Builder, words []string, separator string) {
	line := reportIndent
	for i, word := range words {
		word = defuse(word)
		if i < len(words)-1 {
			word += strings.TrimRight(separator, " ")
		}
		if line != reportIndent && columns(line)+1+columns(word) > usualWidth {
			w.WriteString(line + "\n")
			line = reportIndent
		}
		if line != reportIndent {
			line += " "
		}
		line += word
	}
	if line != reportIndent {
		w.WriteString(line + "\n")
	}
}
