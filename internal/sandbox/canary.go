package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// Canary is one thing that boxes of a level must not allow, and how its trial
// went.
type Canary struct {
	Name string
	What string // that holds, in words
	Held bool
	Why  string // not
}

// CanaryTask makes t the trial of what a level promises: a box of it has to run
// t and ReadCanaries reads its standard output. program is octaskly-init.
func CanaryTask(t *Task, program string, level octaskly.Level) {
	network := "own"
	if t.HostNetwork {
		network = "host"
	}
	t.Argv = []string{program, "canary", strconv.Itoa(int(level)), network}
	t.Show = append(slices.Clone(t.Show), program)
}

// ReadCanaries returns all canaries of a level; one that output does not speak
// of, in full and as it should, has not held.
func ReadCanaries(level octaskly.Level, hostNetwork bool, output string) []Canary {
	said := map[string]string{}
	for line := range strings.Lines(output) {
		line, whole := strings.CutSuffix(line, "\n")
		verdict, rest, _ := strings.Cut(line, " ")
		name, why, _ := strings.Cut(rest, ": ")
		switch {
		case whole && verdict == "held" && why == "" && said[name] == "":
			said[name] = verdict
		case verdict == "open":
			said[name] = "open: " + why
		}
	}
	var list []Canary
	for _, c := range plan.CanariesOf(uint8(level), !hostNetwork) {
		verdict := said[c.Name]
		canary := Canary{Name: c.Name, What: c.What, Held: verdict == "held"}
		if why, open := strings.CutPrefix(verdict, "open: "); open {
			canary.Why = why
		} else if !canary.Held {
			canary.Why = "its trial has not come to an end"
		}
		list = append(list, canary)
	}
	return list
}

// Unheld returns an error that names the canaries that have not held, or nil.
func Unheld(level octaskly.Level, list []Canary) error {
	var open []string
	for _, c := range list {
		if !c.Held {
			open = append(open, c.Name+" ("+c.Why+")")
		}
	}
	if len(open) == 0 {
		return nil
	}
	return fmt.Errorf("cannot keep what level %v promises: %s", level, strings.Join(open, ", "))
}
