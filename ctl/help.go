package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

// Help is written here and not by cli's templates, which print "(default:
// false)" behind every switch and repeated flags twice.

const intro = `octasklyctl gives commands to octaskly, which runs them on the machines of a team.

Usage: octasklyctl [FLAG…] COMMAND [ARG…]

Examples:
  octasklyctl run -- uname -a                    run it where there is room; output and exit code come back
  id=$(octasklyctl submit --stdin a -- sort -u)  queue it and go on
  octasklyctl wait $id && octasklyctl logs $id
  octasklyctl run --array 0-99 --shell 'echo $OCTASKLY_ARRAY_INDEX'

Commands:
`

const aboutIDs = `
An ID is a job (42), an element of an array job (42.7, 42.3-7), a range or list
of jobs (1-10, 3,5,8), last (your latest) or all (yours that are not over).
Flags may stand before or after the command's name and ids; -- ends them.
`

const aboutCodes = `
Exit codes: of run, wait and submit --wait for one task its own, 128+n if signal
n ended it, 124 timed out, 125 octaskly failed it, 126 not executable, 127 not
found; for several tasks 0 all completed, 1 some did not. Otherwise: 0 done,
1 error, 2 usage, 66 no such id or no longer kept, 69 dispatcher unreachable,
77 not permitted, not logged in, or the dispatcher is not to be trusted.
`

func writeHelp(w io.Writer, app *cli.App, cmd *cli.Command, path string) error {
	var text strings.Builder
	if cmd == nil {
		text.WriteString(intro)
		listCommands(&text, app.Commands)
		text.WriteString(aboutIDs + aboutCodes)
	} else {
		fmt.Fprintf(&text, "%s\n\nUsage: octasklyctl %s %s\n", cmd.Description, path, cmd.ArgsUsage)
		writeExamples(&text, cmd.UsageText)
		if len(cmd.Subcommands) > 0 {
			text.WriteString("\nCommands:\n")
			listCommands(&text, cmd.Subcommands)
		}
		listFlags(&text, "Flags", cmd.Flags)
	}
	listFlags(&text, "Flags of all commands", append([]cli.Flag{helpFlag}, app.Flags...))
	_, err := io.WriteString(w, text.String())
	return err
}

// writeExamples shows what a command keeps in UsageText.
func writeExamples(w io.Writer, examples string) {
	if examples != "" {
		fmt.Fprintf(w, "\nExamples:\n  %s\n", strings.ReplaceAll(examples, "\n", "\n  "))
	}
}

func listCommands(w io.Writer, commands []*cli.Command) {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, cmd := range commands {
		fmt.Fprintf(t, "  %s\t%s\n", strings.Join(cmd.Names(), ", "), cmd.Usage)
	}
	t.Flush()
}

func listFlags(w io.Writer, title string, flags []cli.Flag) {
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, flag := range flags {
		synopsis, usage := describeFlag(flag.(cli.DocGenerationFlag))
		fmt.Fprintf(t, "  %s\t%s\n", synopsis, usage)
	}
	t.Flush()
}

// describeFlag splits "`NAME` of the job" into "--name NAME" and the sentence
// without its quotes.
func describeFlag(flag cli.DocGenerationFlag) (synopsis, usage string) {
	names := flag.Names()
	for i, name := range names {
		names[i] = dashed(name)
	}
	synopsis, usage = strings.Join(names, ", "), flag.GetUsage()
	if _, rest, ok := strings.Cut(usage, "`"); ok {
		value, _, _ := strings.Cut(rest, "`")
		synopsis += " " + value
		usage = strings.ReplaceAll(usage, "`", "")
	}
	for _, env := range flag.GetEnvVars() {
		usage += " [$" + env + "]"
	}
	return synopsis, usage
}
