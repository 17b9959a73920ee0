package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

func (r *lineReader) unknownCommand(word string) error {
	var names []string
	for _, cmd := range subcommands(r.app, r.leaf()) {
		names = append(names, cmd.Names()...)
	}
	what := "command"
	if cmd := r.leaf(); cmd != nil {
		what = "command " + cmd.Name
	}
	err := usagef("unknown %s %q%s", what, word, didYouMean(nearest(word, names)))
	return withHint(err, "octasklyctl --help lists the commands; octasklyctl run -- %s runs one on a worker", quote(word))
}

func (r *lineReader) unknownFlag(name string) error {
	err := usagef("unknown flag %s%s", dashed(name), didYouMean(nearestFlag(r.candidates(), name)))
	return withHint(err, "%s", r.whereFlag(name))
}

// unknownShort explains a letter of a cluster such as -timeout.
func (r *lineReader) unknownShort(name, cluster string) error {
	word, _, _ := strings.Cut(cluster, "=")
	if r.lookup(word) != nil && len(word) > 1 {
		return withHint(usagef("unknown flag -%s; did you mean --%s?", word, word), "%s", r.whereFlag(""))
	}
	if len(word) > 1 && word[0] >= '0' && word[0] <= '9' {
		name = word
	}
	return withHint(usagef("unknown flag -%s", name), "%s", r.whereFlag(name))
}

// candidates are the flags that could have been meant.
func (r *lineReader) candidates() []cli.Flag {
	flags := append([]cli.Flag{helpFlag}, r.app.Flags...)
	if cmd := r.leaf(); cmd != nil {
		return append(flags, cmd.Flags...)
	}
	for _, cmd := range leaves(r.app.Commands) {
		flags = append(flags, cmd.Flags...)
	}
	return flags
}

// whereFlag tells where a flag belongs, or where to read on.
func (r *lineReader) whereFlag(name string) string {
	cmd := r.leaf()
	if cmd == nil {
		return "octasklyctl --help lists the flags of all commands"
	}
	for _, other := range leaves(r.app.Commands) {
		if findFlag(other.Flags, name) != nil {
			return fmt.Sprintf("%s is a flag of octasklyctl %s", dashed(name), other.Name)
		}
	}
	if verbatim(cmd) {
		return fmt.Sprintf("flags of the command to run come after its name: octasklyctl %s -- CMD %s", cmd.Name, dashed(name))
	}
	return fmt.Sprintf("octasklyctl %s --help lists its flags", cmd.Name)
}

func nearestFlag(flags []cli.Flag, name string) string {
	var names []string
	for _, flag := range flags {
		for _, n := range flag.Names() {
			if len(n) > 1 {
				names = append(names, n)
			}
		}
	}
	if found := nearest(name, names); found != "" {
		return dashed(found)
	}
	return ""
}

func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", name)
}

// nearest returns the name that typed most likely stands for: one that it
// begins, or one a few slips away. There may be none.
func nearest(typed string, names []string) string {
	best, least := "", (len(typed)+1)/3+1
	for _, name := range names {
		d := slips(typed, name)
		if len(typed) > 1 && strings.HasPrefix(name, typed) {
			d = min(d, 1)
		}
		if d < least {
			best, least = name, d
		}
	}
	return best
}

// slips counts the insertions, deletions, replacements and swaps of neighbours
// that lead from a to b (optimal string alignment).
func slips(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(s); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(t); j++ {
			replace := last[j-1]
			if s[i-1] != t[j-1] {
				replace++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(t)]
}
