package main

import (
	"context"
	"encoding/json"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
)

// usualEvents is how many are shown without --lines.
const usualEvents = 20

func (s *session) eventsCommand() *cli.Command {
	return &cli.Command{
		Name:  "events",
		Usage: "see what happens to tasks and workers",
		Description: "Prints what has happened, a line each: when, to which task, what, on which worker, and why.\n" +
			"With -f it goes on as things happen, across restarts of the dispatcher, too. You see what\n" +
			"happens to your own jobs and to workers; an admin sees everything. What happens to many\n" +
			"elements of an array at once is one line. With -o json a line is one JSON object, whose id\n" +
			"is for --since.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl events\noctasklyctl events -f --task 42\noctasklyctl events --since 0 --kind task.ended,worker -o json",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with what happens from now on"},
			&cli.StringFlag{Name: "lines", Aliases: []string{"n"}, Usage: "begin with the last `N` of them (default: 20, with --follow none)"},
			&cli.StringFlag{Name: "task", Usage: "only those about `ID`: jobs or elements, as of other commands"},
			&cli.StringFlag{Name: "worker", Usage: "only those about the worker `NAME`"},
			&cli.StringFlag{Name: "kind", Usage: "only those of `KIND`, such as task.ended, or task for all of tasks; several with commas"},
			&cli.StringFlag{Name: "since", Usage: "all those after the event with `EVENT` as its id; 0 is before all that are kept"},
		},
		Action: s.events,
	}
}

// maxLines bounds --lines.
const maxLines = 100_000

func (s *session) events(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	lines, err := countFlag(c, "lines", 0, maxLines)
	if err != nil {
		return err
	}
	q := client.EventQuery{Task: c.String("task"), Worker: c.String("worker"), Kinds: c.String("kind"), Since: c.String("since")}
	for name, check := range map[string]func(string) error{
		"task":  func(text string) error { _, err := api.ParseSelection(text); return err },
		"since": func(text string) error { _, err := api.ParseCursor(text); return err },
	} {
		if c.IsSet(name) {
			if err := check(c.String(name)); err != nil {
				return badFlag(name, err)
			}
		}
	}
	p := &eventPrinter{s}
	switch {
	case c.IsSet("since") && c.IsSet("lines"):
		return usagef("--since and --lines do not go together: each says where to begin")
	case c.IsSet("since") && !c.Bool("follow"):
		return p.on(c.Context, q)
	case !c.IsSet("since") && (!c.Bool("follow") || lines > 0):
		if !c.IsSet("lines") {
			lines = usualEvents
		}
		if q.Since, err = p.latest(c.Context, q, lines); err != nil {
			return err
		}
	}
	if !c.Bool("follow") {
		return nil
	}
	return s.client.FollowEvents(c.Context, q, p.print)
}

// eventPrinter prints events as -o says.
type eventPrinter struct{ *session }

// on prints all that are there after a place.
func (p *eventPrinter) on(ctx context.Context, q client.EventQuery) error {
	for q.Limit = api.MaxLimit; ; {
		page, err := p.client.Events(ctx, q)
		if err != nil {
			return err
		}
		if err := p.all(page.Events); err != nil || !page.More {
			return err
		}
		q.Since = page.Next
	}
}

// latest prints the last few, and says where it goes on after them.
func (p *eventPrinter) latest(ctx context.Context, q client.EventQuery, lines int) (next string, err error) {
	var found []api.Event
	for lines > len(found) {
		q.Limit = min(api.MaxLimit, lines-len(found))
		page, err := p.client.Events(ctx, q)
		if err != nil {
			return "", err
		}
		if next == "" {
			next = page.Next
		}
		found = append(page.Events, found...)
		if q.Before = page.Before; q.Before == "" {
			break
		}
	}
	return next, p.all(found)
}

func (p *eventPrinter) all(events []api.Event) error {
	for i := range events {
		if err := p.print(&events[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *eventPrinter) print(e *api.Event) error {
	switch {
	case p.output == outputJSON:
		return json.NewEncoder(p.stdout).Encode(e)
	case e.Kind == api.GapMarker:
		p.note("what happened from %d to %d is no longer kept, or cannot be read", e.From, e.To)
		return nil
	case e.Kind == api.ResetMarker:
		p.note("the dispatcher has no event of that id: none has got its number yet, or it has another database now, restored or saved from damage; what follows happens from now on, and --since 0 shows what there is")
		return nil
	case p.output == outputQuiet:
		return p.session.print("%s\n", e.ID)
	}
	return p.session.print("%s\n", eventLine(e))
}
