package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// completeFlag comes last on a command line whose last word is to be completed.
const completeFlag = "--generate-bash-completion"

// completeWithin bounds how long completion waits for the dispatcher's ids.
const completeWithin = 300 * time.Millisecond

// candidate is what could stand for the last word, and what it is.
type candidate struct{ word, about string }

// complete prints what could stand for the last of words, one a line with a tab
// and an explanation behind it. It prints nothing, and the shell offers file
// names, where it knows nothing.
func (s *session) complete(ctx context.Context, app *cli.App, words []string) {
	if len(words) == 0 {
		words = []string{""}
	}
	last := len(words) - 1
	for _, c := range s.candidates(ctx, app, words[:last], words[last]) {
		if strings.HasPrefix(c.word, words[last]) {
			fmt.Fprintf(s.stdout, "%s\t%s\n", c.word, defuse(c.about))
		}
	}
}

func (s *session) candidates(ctx context.Context, app *cli.App, before []string, word string) []candidate {
	line, err := readLine(app, before)
	var value *valueError
	switch cmd := line.leaf(); {
	case errors.As(err, &value):
		return valuesOf(value.flag)
	case err != nil || ended(cmd, line, before):
		return nil
	case strings.HasPrefix(word, "-"):
		return flagCandidates(append([]cli.Flag{helpFlag}, append(flagsOf(cmd), app.Flags...)...))
	case cmd == nil || len(cmd.Subcommands) > 0:
		return commandCandidates(subcommands(app, cmd))
	case cmd.Name == "completion":
		return words("bash", "zsh", "fish")
	case slices.Contains(line.path, find(app.Commands, "worker")) && cmd.Name != "ls":
		return s.workers(ctx, line)
	case len(line.path) > 1 && line.path[0].Name == "context":
		return contextCandidates(cmd)
	case takesIDs(cmd) && len(line.path) == 1:
		return s.ids(ctx, line, cmd)
	}
	return nil
}

// ended reports whether flags and ids are over and a command to run is typed.
func ended(cmd *cli.Command, line *commandLine, before []string) bool {
	if !verbatim(cmd) {
		return false
	}
	return len(line.words) > 0 || before[len(before)-1] == "--"
}

func commandCandidates(commands []*cli.Command) []candidate {
	var all []candidate
	for _, cmd := range commands {
		all = append(all, candidate{cmd.Name, cmd.Usage})
	}
	return all
}

func flagCandidates(flags []cli.Flag) []candidate {
	var all []candidate
	for _, flag := range flags {
		_, usage := describeFlag(flag.(cli.DocGenerationFlag))
		for _, name := range flag.Names() {
			all = append(all, candidate{dashed(name), usage})
		}
	}
	return all
}

// valuesOf are the words that a flag takes, where they can be listed.
func valuesOf(flag string) []candidate {
	switch flag {
	case "o", "output":
		return words(outputTable, outputJSON, outputQuiet)
	case "sandbox":
		return words(levelNames()...)
	case "limits":
		return presetCandidates()
	case "network":
		return words(networks...)
	case "cpu-time", "memory", "disk", "open-files", "processes":
		return words(unlimited)
	case "role":
		return words(roleNames()...)
	case "context":
		return contextCandidates(nil)
	case "state":
		var all []candidate
		for _, state := range octaskly.States {
			all = append(all, candidate{word: state.String()})
		}
		return all
	}
	return nil
}

func presetCandidates() []candidate {
	var all []candidate
	for _, name := range presetNames() {
		all = append(all, candidate{name, presetText(name)})
	}
	return all
}

func words(list ...string) []candidate {
	var all []candidate
	for _, word := range list {
		all = append(all, candidate{word: word})
	}
	return all
}

// contextCandidates are the contexts that a command takes; nil: those of --context.
func contextCandidates(cmd *cli.Command) []candidate {
	_, all, err := loadContexts()
	if err != nil || cmd != nil && cmd.Name == "ls" {
		return nil
	}
	var found []candidate
	if cmd == nil || cmd.Name != "remove" {
		found = append(found, candidate{client.Local, "a socket of this machine"})
	}
	for _, c := range all.Contexts {
		found = append(found, candidate{c.Name, c.URL})
	}
	return found
}
