package manual

import (
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// recogniser finds what is bold by itself.
type recogniser struct{ *regexp.Regexp }

const (
	pageName = `[A-Za-z][\w.-]*\([1-9]\)`
	flagName = `--?[A-Za-z0-9][\w-]*|--`
)

// recognise knows names of pages, flags, and the commands of app unless that is
// nil.
func recognise(app *cli.App) recogniser {
	patterns := []string{pageName, flagName}
	if app != nil {
		paths := pathsOf("", app.Commands)
		slices.SortFunc(paths, func(a, b string) int { return len(b) - len(a) }) // or "worker" would hide "worker ls"
		for i, path := range paths {
			paths[i] = regexp.QuoteMeta(path)
		}
		patterns = append(patterns, `\b`+regexp.QuoteMeta(app.Name)+`(?: (?:`+strings.Join(paths, "|")+`))?\b`)
	}
	return recogniser{regexp.MustCompile(strings.Join(patterns, "|"))}
}

func pathsOf(prefix string, commands []*cli.Command) []string {
	var paths []string
	for _, c := range visible(commands) {
		paths = append(paths, prefix+c.Name)
		paths = append(paths, pathsOf(prefix+c.Name+" ", c.Subcommands)...)
	}
	return paths
}

// in makes bold what it finds in roman runs.
func (r recogniser) in(runs []run) []run {
	var all []run
	for _, plain := range runs {
		if plain.font != roman {
			all = append(all, plain)
			continue
		}
		start := 0
		for _, at := range r.FindAllStringIndex(plain.text, -1) {
			if partOfWord(plain.text, at[0], at[1]) {
				continue
			}
			name, section, _ := strings.Cut(plain.text[at[0]:at[1]], "(")
			all = append(all, run{roman, plain.text[start:at[0]]}, run{bold, name})
			start = at[1]
			if section != "" {
				start -= len("(" + section)
			}
		}
		all = append(all, run{roman, plain.text[start:]})
	}
	return all
}

// partOfWord reports whether text[start:end] is only a part of what somebody
// would take for one word: -paste of copy-paste, octasklyd of octasklyd-key.
func partOfWord(text string, start, end int) bool {
	before := start > 0 && !strings.ContainsRune(" \n([|\"'", rune(text[start-1]))
	after := end < len(text) && strings.IndexByte("-/_", text[end]) >= 0
	return before || after
}
