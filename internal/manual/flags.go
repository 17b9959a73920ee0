package manual

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// commandFlags writes the flags of a command. Those that another command has as
// well, all of them, stand there.
func (out *printer) commandFlags(app *cli.App, e entry, others []entry) {
	var from []string
	var own []cli.DocGenerationFlag
	for _, takes := range e.takes {
		left := visibleFlags(takes)
		if base, ok := baseOf(e, left, others); ok {
			from = append(from, app.Name+" "+base.path)
			left = without(left, visibleFlags(base.takes[0]))
		}
		own = append(own, without(left, own)...)
	}
	switch {
	case len(from) > 0 && len(own) > 0:
		out.paragraph([]run{{roman, "It takes the flags of " + alternatives(from) + ", and:"}})
	case len(from) > 0:
		out.paragraph([]run{{roman, "It takes the flags of " + alternatives(from) + "."}})
	}
	out.flags(own)
}

// baseOf finds the command with the most flags all of which e has, too.
func baseOf(e entry, flags []cli.DocGenerationFlag, others []entry) (base entry, ok bool) {
	most, before := 1, true
	for _, other := range others {
		if other.path == e.path {
			before = false
			continue
		}
		theirs := visibleFlags(other.takes[0])
		n := len(theirs)
		subset := len(other.variants) == 0 && len(without(theirs, flags)) == 0
		if subset && n > most && (n < len(flags) || before) {
			base, most, ok = other, n, true
		}
	}
	return base, ok
}

// without lists those of flags that are not in others.
func without(flags, others []cli.DocGenerationFlag) []cli.DocGenerationFlag {
	return slices.DeleteFunc(slices.Clone(flags), func(f cli.DocGenerationFlag) bool {
		return slices.ContainsFunc(others, func(o cli.DocGenerationFlag) bool {
			return slices.Equal(f.Names(), o.Names()) && f.GetUsage() == o.GetUsage()
		})
	})
}

func (out *printer) flags(flags []cli.DocGenerationFlag) {
	for _, f := range flags {
		out.request("TP")
		out.line(roff(tagOf(f)))
		out.fill(quoted(Sentence(f.GetUsage())))
		if text := f.GetDefaultText(); f.TakesValue() && text != "" {
			out.fill([]run{{roman, "Default: " + text + "."}})
		}
		if variables := f.GetEnvVars(); len(variables) > 0 {
			out.fill([]run{{roman, "Also from the environment, "}, {bold, strings.Join(variables, ", ")}, {roman, "."}})
		}
	}
}

// tagOf is "-n, --name NAME".
func tagOf(f cli.DocGenerationFlag) []run {
	names := slices.Clone(f.Names())
	slices.SortStableFunc(names, func(a, b string) int { return min(len(a), 2) - min(len(b), 2) })
	var tag []run
	for i, name := range names {
		if i > 0 {
			tag = append(tag, run{roman, ", "})
		}
		tag = append(tag, run{bold, dashed(name)})
	}
	if !f.TakesValue() {
		return tag
	}
	_, rest, _ := strings.Cut(f.GetUsage(), "`")
	value, _, ok := strings.Cut(rest, "`")
	if !ok {
		value = "VALUE"
	}
	return append(append(tag, run{roman, " "}), form(value)...)
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func visibleFlags(flags []cli.Flag) []cli.DocGenerationFlag {
	var all []cli.DocGenerationFlag
	for _, f := range flags {
		if hidden, ok := f.(cli.VisibleFlag); ok && !hidden.IsVisible() {
			continue
		}
		if doc, ok := f.(cli.DocGenerationFlag); ok {
			all = append(all, doc)
		}
	}
	return all
}

// Sentence makes one of a usage, which has no capital and no full stop.
func Sentence(usage string) string {
	first, size := utf8.DecodeRuneInString(usage)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(usage[size:], ".") + "."
}

// alternatives is "a, b or c".
func alternatives(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
