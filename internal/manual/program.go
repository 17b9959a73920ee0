package manual

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// program writes the sections COMMANDS and OPTIONS.
func (out *printer) program(app *cli.App) {
	commands := entries("", app.Commands)
	if len(commands) > 0 {
		out.section("COMMANDS")
		out.overview(commands)
	}
	for _, e := range commands {
		out.command(app, e, commands)
	}
	if flags := visibleFlags(app.Flags); len(flags) > 0 {
		out.section("OPTIONS")
		if len(commands) > 0 {
			out.paragraph([]run{{roman, "Beside the flags of the commands:"}})
		}
		out.flags(flags)
	}
}

// overview says of each command what it is for.
func (out *printer) overview(commands []entry) {
	items := make([]item, len(commands))
	for i, e := range commands {
		items[i] = item{[]run{{bold, e.path}}, quoted(Sentence(e.Usage))}
	}
	out.list(items)
}

func (out *printer) command(app *cli.App, e entry, others []entry) {
	out.request("SS", escape(strings.Join(e.names(), ", ")))
	out.begun = true
	out.usage(app.Name+" "+e.path, e.form())
	description := e.Description
	if description == "" {
		description = Sentence(e.Usage)
	}
	for paragraph := range strings.SplitSeq(strings.TrimSpace(description), "\n\n") {
		out.paragraph([]run{{roman, paragraph}})
	}
	out.commandFlags(app, e, others)
	if e.UsageText != "" {
		examples := strings.Split(e.UsageText, "\n")
		out.paragraph([]run{{roman, heading(len(examples))}})
		out.example(examples)
	}
}

func heading(examples int) string {
	if examples == 1 {
		return "Example:"
	}
	return "Examples:"
}

// usage says how a command is typed.
func (out *printer) usage(name, arguments string) {
	out.request("SY", escape(name))
	for _, line := range fill(roff(form(arguments))) {
		out.WriteString(line + "\n")
	}
	out.request("YS")
}

// formOf is how the words after the program's name are typed.
func formOf(app *cli.App) string {
	switch {
	case app.ArgsUsage != "":
		return app.ArgsUsage
	case len(app.Commands) > 0:
		return "[FLAG…] COMMAND [ARG…]"
	}
	return "[FLAG…]"
}

// entry is a command of the page: one that does something, or several of the
// same usage that differ in their last word.
type entry struct {
	*cli.Command
	path     string   // "worker ls"
	variants []string // of the last word: "dispatcher", "worker"
	takes    [][]cli.Flag
}

// names are those that the command can be called by.
func (e entry) names() []string { return append([]string{e.path}, e.Aliases...) }

// form is how the words after the command's name are typed.
func (e entry) form() string {
	form := strings.Join(e.variants, "|")
	switch {
	case e.ArgsUsage != "":
		form += " " + e.ArgsUsage
	case len(visibleFlags(e.takes[0])) > 0:
		form += " [FLAG…]"
	}
	return form
}

// entries lists the commands that do something.
func entries(prefix string, commands []*cli.Command) []entry {
	var all []entry
	for _, c := range visible(commands) {
		path, below := prefix+c.Name, visible(c.Subcommands)
		switch {
		case len(below) == 0:
			all = append(all, entry{Command: c, path: path, takes: [][]cli.Flag{c.Flags}})
		case alike(below):
			all = append(all, merged(below, path))
		default:
			all = append(all, entries(path+" ", below)...)
		}
	}
	return all
}

// alike reports whether several commands do the same to different things.
func alike(commands []*cli.Command) bool {
	first := commands[0]
	return len(commands) > 1 && !slices.ContainsFunc(commands, func(c *cli.Command) bool {
		return c.Usage != first.Usage || c.Description != first.Description || len(c.Aliases)+len(c.Subcommands) > 0
	})
}

func merged(commands []*cli.Command, path string) entry {
	e := entry{Command: commands[0], path: path}
	for _, c := range commands {
		e.variants = append(e.variants, c.Name)
		e.takes = append(e.takes, c.Flags)
	}
	return e
}

func visible(commands []*cli.Command) []*cli.Command {
	return slices.DeleteFunc(slices.Clone(commands), func(c *cli.Command) bool { return c.Hidden })
}
