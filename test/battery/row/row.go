// Package row is the table of the attack battery: what a task tries, and what
// shall become of it at each level.
//
// A table is text. A row begins with "== NAME", or "==! NAME" if it is never to
// run at a level that has no box of its own (none, basic). Then come:
//
//	setup SCRIPT   what root does on the machine before
//	with FLAG…     flags of octasklyctl submit, as bash reads them
//	argv WORD…     the command, as bash reads it; or
//	try SCRIPT     a script for sh -c
//	after SCRIPT   what root does after; it has to succeed
//	want OUTCOME…  at none, basic, strict and very-strict
//
// Lines that begin with a tab go on with the one before them; # begins a comment
// line. $level is the level's name in with and argv.
//
// An outcome is what the task printed on stdout, its words joined by commas, and
// how it ended, unless by exit code 0: "exit:7", "signal:11", "oom", "timeout" or
// another reason. "ok" is nothing printed and code 0, "refused" a submission that
// is not accepted, "-" a level where it is not tried. Outcomes are patterns of
// path.Match, whose * stands for slashes, too.
package row

import (
	"fmt"
	"path"
	"strings"
)

// Levels are the columns.
var Levels = [...]string{"none", "basic", "strict", "very-strict"}

// Row is one thing to try.
type Row struct {
	Name                          string
	Boxed                         bool // never to be tried without a box of its own
	Setup, With, Argv, Try, After string
	Want                          [len(Levels)]string
	line                          int
}

// Result is what became of a Row.
type Result struct {
	Got     [len(Levels)]string
	Details [len(Levels)]string // for people
	Left    []string            // what was there after it that had not been before
	Benign  string              // what became of a harmless task after it
	Err     string              // why it could not be tried, or what After said
	Seconds float64
}

// not says that a row is not tried at a level.
const not = "-"

// Tried reports whether r is tried at a level.
func (r *Row) Tried(level int) bool { return r.Want[level] != not }

// Match reports whether an outcome is as it should be.
func Match(want, got string) bool {
	fits, err := path.Match(flat(want), flat(got))
	return err == nil && fits
}

// flat lets * stand for slashes, too.
func flat(s string) string { return strings.ReplaceAll(s, "/", "\x00") }

// Parse reads a table.
func Parse(text string) ([]Row, error) {
	var rows []Row
	var last *string
	for i, line := range strings.Split(text, "\n") {
		var err error
		switch {
		case strings.HasPrefix(line, "#"), strings.TrimSpace(line) == "":
		case strings.HasPrefix(line, "\t"):
			if last == nil {
				err = fmt.Errorf("it goes on with nothing")
			} else {
				*last += "\n" + line[1:]
			}
		case strings.HasPrefix(line, "=="):
			name, boxed := strings.CutPrefix(line[2:], "!")
			rows = append(rows, Row{Name: strings.TrimSpace(name), Boxed: boxed, line: i + 1})
			last = nil
		case len(rows) == 0:
			err = fmt.Errorf("it belongs to no row")
		default:
			last, err = rows[len(rows)-1].set(line)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read line %d of the table: %w", i+1, err)
		}
	}
	return rows, check(rows)
}

// set takes a line and returns what the next may go on with.
func (r *Row) set(line string) (*string, error) {
	key, value, _ := strings.Cut(line, " ")
	value = strings.TrimSpace(value)
	if key == "want" {
		fields := strings.Fields(value)
		if len(fields) != len(Levels) {
			return nil, fmt.Errorf("there are %d outcomes for %d levels", len(fields), len(Levels))
		}
		copy(r.Want[:], fields)
		return nil, nil
	}
	field, known := map[string]*string{"setup": &r.Setup, "with": &r.With, "argv": &r.Argv, "try": &r.Try, "after": &r.After}[key]
	if !known || *field != "" {
		return nil, fmt.Errorf("%q stands there twice, or means nothing", key)
	}
	*field = value
	return field, nil
}

func check(rows []Row) error {
	names := map[string]bool{}
	for i := range rows {
		if err := rows[i].check(names); err != nil {
			return fmt.Errorf("cannot read row %q in line %d of the table: %w", rows[i].Name, rows[i].line, err)
		}
	}
	return nil
}

func (r *Row) check(names map[string]bool) error {
	if r.Name == "" || names[r.Name] {
		return fmt.Errorf("it has no name of its own")
	}
	names[r.Name] = true
	switch {
	case (r.Argv == "") == (r.Try == ""):
		return fmt.Errorf("it takes either argv or try")
	case r.Want[0] == "":
		return fmt.Errorf("it wants nothing")
	case r.Boxed && (r.Tried(0) || r.Tried(1)):
		return fmt.Errorf("it is not to be tried without a box of its own")
	}
	for _, want := range r.Want {
		if _, err := path.Match(want, ""); err != nil {
			return fmt.Errorf("outcome %q: %w", want, err)
		}
	}
	return nil
}
