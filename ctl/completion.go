package main

import (
	"context"
	_ "embed"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

//go:embed completions/octasklyctl.bash
var bashCompletion string

//go:embed completions/octasklyctl.zsh
var zshCompletion string

//go:embed completions/octasklyctl.fish
var fishCompletion string

func (s *session) completionCommand() *cli.Command {
	return &cli.Command{
		Name:        "completion",
		Usage:       "print a completion script for bash, zsh or fish",
		Description: "Prints what makes a shell complete commands, flags, their values, ids and workers. The head of each\nscript says how to load it.",
		ArgsUsage:   "bash|zsh|fish",
		UsageText:   ". <(octasklyctl completion bash)",
		Action:      s.completion,
	}
}

func (s *session) completion(c *cli.Context) error {
	scripts := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	script, ok := scripts[c.Args().First()]
	if !ok || c.NArg() != 1 {
		return usagef("cannot tell which shell; want octasklyctl completion bash, zsh or fish")
	}
	_, err := io.WriteString(s.stdout, script)
	return err
}

// idStates are the states in which a job is worth naming, by command.
var idStates = map[string][]octaskly.State{
	"cancel": live, "wait": live, "signal": {octaskly.Running},
	"retry": {octaskly.Failed, octaskly.TimedOut, octaskly.Cancelled},
	"show":  nil, "logs": nil, "why": nil,
}

var live = []octaskly.State{octaskly.Queued, octaskly.Assigned, octaskly.Running}

func takesIDs(cmd *cli.Command) bool {
	_, takes := idStates[cmd.Name]
	return takes
}

// ids are those of jobs, with state and command. Nobody is told that the
// dispatcher is away.
func (s *session) ids(ctx context.Context, line *commandLine, cmd *cli.Command) []candidate {
	if cmd.Name == "signal" && len(line.words) > 0 {
		return words(strings.Fields("TERM INT HUP KILL USR1 USR2 STOP CONT QUIT")...)
	}
	if !s.enterSoon(line) {
		return general()
	}
	defer s.client.Close()
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	jobs, _ := s.client.Jobs(ctx, client.Query{States: idStates[cmd.Name], Limit: 50})
	var all []candidate
	for i := range jobs {
		if job := &jobs[i]; !slices.Contains(line.words, job.ID) {
			all = append(all, candidate{job.ID, stateText(job) + " " + shorten(commandText(job.Command), 60)})
		}
	}
	return append(all, general()...)
}

func general() []candidate {
	return []candidate{{"last", "your latest job"}, {"all", "your jobs that are not over"}}
}

// enterSoon reports whether there is a client that needs no renewal of its tokens,
// for which a completion has no time.
func (s *session) enterSoon(line *commandLine) bool {
	s.global(line)
	return s.enter(line) == nil && (s.context == nil || s.context.Fresh())
}

// workers are those that the dispatcher knows and a command may be about, by name.
func (s *session) workers(ctx context.Context, line *commandLine) []candidate {
	if !s.enterSoon(line) {
		return nil
	}
	defer s.client.Close()
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	if who := line.leaf().Name; who == "approve" || who == "reject" || who == "uninvite" {
		return s.comers(ctx, line)
	}
	workers, _ := s.client.Workers(ctx)
	var all []candidate
	for _, w := range workers {
		plain := defuse(w.Name) == w.Name
		if plain && takesWorker(line.leaf(), &w) && !slices.Contains(line.words, w.Name) {
			all = append(all, candidate{w.Name, workerState(&w)})
		}
	}
	return all
}

// comers are those that may join, and what a command may do about them.
func (s *session) comers(ctx context.Context, line *commandLine) (all []candidate) {
	if line.leaf().Name == "uninvite" {
		invites, _ := s.client.Invites(ctx)
		for _, v := range invites {
			if v.State == "open" && !slices.Contains(line.words, v.ID) {
				all = append(all, candidate{v.ID, v.Name})
			}
		}
		return all
	}
	if line.leaf().Name == "approve" && len(line.words) > 0 {
		return nil // a code, which only the machine knows
	}
	workers, _ := s.client.Pending(ctx)
	for _, w := range workers {
		plain := defuse(w.Name) == w.Name && !slices.Contains(line.words, w.Name)
		if plain && (w.State == "waits" || line.leaf().Name == "approve") {
			all = append(all, candidate{w.Name, w.State + " " + w.Address})
		}
	}
	return all
}

// takesWorker reports whether a command would do something about a worker.
func takesWorker(cmd *cli.Command, w *api.Worker) bool {
	switch cmd.Name {
	case "resume":
		return w.Drain != nil
	case "remove":
		return w.State != connected // the others, by hand
	case "pending", "invite", "invites":
		return false
	}
	return true
}
