package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
)

func (s *session) whyCommand() *cli.Command {
	return &cli.Command{
		Name:  "why",
		Usage: "explain why a job or an element waits, runs or has ended",
		Description: "Explains in a paragraph where jobs or elements of arrays are: what one that is queued\n" +
			"waits for, what keeps it from each worker, and what would change that; which worker has\n" +
			"one that runs; or what ended it, by which limit, and what to type next. With -o json,\n" +
			"one document for each.",
		ArgsUsage: "ID…",
		UsageText: "octasklyctl why last\noctasklyctl why 42.7\noctasklyctl why -o json 42 | jq '.workers[].blockers'",
		Action:    s.whyIs,
	}
}

func (s *session) whyIs(c *cli.Context) error {
	targets, err := s.targets(c.Context, c.Args().Slice())
	if err != nil {
		return err
	}
	for i, t := range targets {
		why, err := s.client.Why(c.Context, t.id)
		if err != nil {
			return err
		}
		if err := s.writeWhy(why, i > 0); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) writeWhy(w *api.Why, further bool) error {
	return writePage(s, w, w.ID, further, func() error { return writeWhyPage(s.stdout, w, terminalWidth(s.stdout)) })
}

func writeWhyPage(out io.Writer, w *api.Why, width int) error {
	text := wrap(defuse(w.Text), width)
	for _, command := range w.Try {
		text += fmt.Sprintf("\n  %s", defuse(command))
	}
	_, err := io.WriteString(out, text+"\n")
	return err
}

// wrap breaks text into lines of so many columns at its spaces; 0: into none.
func wrap(text string, width int) string {
	if width <= 0 {
		return text
	}
	var out strings.Builder
	used := 0
	for i, word := range strings.Fields(text) {
		switch n := columns(word); {
		case i == 0:
			used = n
		case used+1+n <= width:
			out.WriteByte(' ')
			used += 1 + n
		default:
			out.WriteByte('\n')
			used = n
		}
		out.WriteString(word)
	}
	return out.String()
}
