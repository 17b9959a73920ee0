package config

import (
	"errors"
	"fmt"
)

// Origin says where a value comes from.
type Origin struct {
	Name         string // "built in", "systemd credential", a file's path, a variable's name or a flag with its dashes
	Line, Column int    // in a file, both from 1 and the column in bytes; else 0
}

// String leaves out the column: "/etc/octaskly/worker.toml:7".
func (o Origin) String() string {
	if o.Line == 0 {
		return o.Name
	}
	return fmt.Sprintf("%s:%d", o.Name, o.Line)
}

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Origin Origin
	Key    string // "" if it is about the whole file or variable
	Why    string
}

// Error begins with the place as a compiler would write it:
// "/etc/octaskly/worker.toml:7:1: slotz: there is no such key; did you mean slots?"
func (p *Problem) Error() string {
	text := p.Origin.String()
	if p.Origin.Column > 0 {
		text += fmt.Sprintf(":%d", p.Origin.Column)
	}
	if p.Key != "" {
		text += ": " + p.Key
	}
	return text + ": " + p.Why
}

// maxProblems bounds what is reported at once.
const maxProblems = 20

// joined makes one error, of a line each, of problems; nil of none.
func joined(problems []error) error {
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems:maxProblems], fmt.Errorf("and %d more", more))
	}
	return errors.Join(problems...)
}
