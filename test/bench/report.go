package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/octaskly/octaskly/test/bench/numbers"
)

// busy is how many percent of the processors others may have.
const busy = 10

// write prints the table and then the aims.
func (r *results) write(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s; %d rounds of %d commands in %s\n\n", r.machine, r.rounds, r.tasks, r.dir)
	r.writeTable(&text)
	r.writeAims(&text)
	if others := numbers.Median(r.figures[othersRow]); others > busy {
		fmt.Fprintf(&text, "\nThe machine is busy: other programs had %.0f %% of it during the floor. Ratios of rates mean little.\n", others)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (r *results) writeTable(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	fmt.Fprintln(table, "\tmedian\t\tmin … max\t÷ floor\t  ")
	for _, row := range r.rows {
		figures := r.figures[row.name]
		if len(figures) == 0 {
			fmt.Fprintf(table, "%s\tnone\t\t\t\t  %s\n", row.name, row.about)
			continue
		}
		ratio := ""
		if all := numbers.Ratios(figures, r.figures[row.base()]); len(all) > 0 {
			ratio = fmt.Sprintf("%.2f", numbers.Median(all))
		}
		span := short(slices.Min(figures)) + " … " + short(slices.Max(figures))
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t  %s\n", row.name, short(numbers.Median(figures)), row.unit, span, ratio, row.about)
	}
}

func (r *results) writeAims(w io.Writer) {
	verdicts := r.verdicts()
	if len(verdicts) == 0 {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	fmt.Fprintln(table, "\naims")
	for _, v := range verdicts {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", v.Row, v.Aim, short(v.Is), v.outcome())
	}
}

// verdict is how an aim stands.
type verdict struct {
	Row string  `json:"row"`
	Aim string  `json:"aim"`
	Is  float64 `json:"is"`
	Off float64 `json:"off"` // by what part of the aim it is missed; 0: it is met
}

func (v verdict) outcome() string {
	if v.Off == 0 {
		return "met"
	}
	return fmt.Sprintf("missed by %.1f %%", 100*v.Off)
}

// verdicts leaves out aims whose rows have no figures.
func (r *results) verdicts() []verdict {
	var verdicts []verdict
	for _, row := range r.rows {
		for _, a := range row.aims {
			is := numbers.Median(r.figures[row.name])
			if a.than != "" {
				is = numbers.Median(numbers.Ratios(r.figures[row.name], r.figures[a.than]))
			}
			if !math.IsNaN(is) {
				verdicts = append(verdicts, verdict{row.name, a.text(row.unit), is, a.off(is)})
			}
		}
	}
	return verdicts
}

func (a aim) text(unit string) string {
	sign := "≥"
	if a.most {
		sign = "≤"
	}
	if a.than != "" {
		return fmt.Sprintf("%s %v × %s", sign, a.value, a.than)
	}
	return fmt.Sprintf("%s %v %s", sign, a.value, unit)
}

func (a aim) off(is float64) float64 {
	off := 1 - is/a.value
	if a.most {
		off = -off
	}
	return max(off, 0)
}

// short has three digits or more.
func short(figure float64) string {
	digits := 0
	switch size := math.Abs(figure); {
	case size < 10:
		digits = 2
	case size < 100:
		digits = 1
	}
	return fmt.Sprintf("%.*f", digits, cmp.Or(figure, 0)) // and no -0
}
