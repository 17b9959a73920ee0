package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
)

func (r *lineReader) unknownCommand(word string) error {
	var names []string
	for _, cmd := range subcommands(r.app, r.leaf()) {
		names = append(names, cmd.Names()...)
	}
	meant := didYouMean(nearest(word, names))
	if cmd := r.leaf(); cmd != nil {
		err := usagef("unknown command %q of %s%s", word, cmd.Name, meant)
		return withHint(err, "octasklyctl %s --help lists its commands", cmd.Name)
	}
	err := usagef("unknown command %q%s", word, meant)
	return withHint(err, "octasklyctl --help lists the commands; octasklyctl run -- %s runs one on a worker", quote(word))
}

func (r *lineReader) unknownFlag(name string) error {
	meant := nearestFlag(r.candidates(), name)
	err := usagef("unknown flag %s%s", dashed(name), didYouMean(meant))
	return withHint(err, "%s", r.aboutFlags(dashed(name), meant == ""))
}

// unknownShort explains a letter of a cluster such as -timeout, or a number.
func (r *lineReader) unknownShort(name, cluster string) error {
	word, _, _ := strings.Cut(cluster, "=")
	if len(word) > 1 && r.lookup(word) != nil {
		return withHint(usagef("unknown flag -%s; did you mean --%s?", word, word), "%s", r.aboutFlags("", false))
	}
	if _, err := api.ParseSignal(word); err == nil && r.leaf() != nil && r.leaf().Name == "cancel" {
		return withHint(usagef("unknown flag -%s", word), "octasklyctl signal ID %s sends a signal; octasklyctl cancel ID ends a task", word)
	}
	return withHint(usagef("unknown flag -%s", name), "%s", r.aboutFlags("-"+cluster, true))
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

// aboutFlags tells to what else a strange flag may belong, or where to read on.
func (r *lineReader) aboutFlags(typed string, strange bool) string {
	cmd := r.leaf()
	if cmd == nil {
		return "octasklyctl COMMAND --help lists the flags of a command"
	}
	for _, other := range leaves(r.app.Commands) {
		if strange && findFlag(other.Flags, strings.TrimLeft(typed, "-")) != nil {
			return fmt.Sprintf("%s is a flag of octasklyctl %s", typed, other.Name)
		}
	}
	if strange && verbatim(cmd) {
		return fmt.Sprintf("flags of the command to run come after its name: octasklyctl %s -- COMMAND %s", cmd.Name, typed)
	}
	return fmt.Sprintf("octasklyctl %s --help lists its flags", r.name())
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
