package main

import (
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func (s *session) workerInviteCommand() *cli.Command {
	return &cli.Command{
		Name:  "invite",
		Usage: "make an invite by which one machine joins as a worker",
		Description: "Makes an invite and prints it, and nothing else, on stdout. It is good once, and tells the\n" +
			"worker whom to trust; so it is a secret, and is not kept: nobody can print it again. Bring\n" +
			"it to the worker's machine by a way that you trust, as a file that only its owner reads:\n" +
			"octasklyd worker --invite-file FILE, or /etc/octaskly/invite, which the service reads. It is\n" +
			"for admins.",
		ArgsUsage: "[FLAG…]",
		UsageText: "(umask 077; octasklyctl worker invite --name w1 > invite)\noctasklyctl worker invite --expires 1h -o json",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "for the worker `NAME` only (default: any)"},
			&cli.StringFlag{Name: "expires", Usage: "good for `TIME`, such as 1h or 7d, 30d at most (default: 24h)"},
		},
		Action: s.workerInvite,
	}
}

func (s *session) workerInvite(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	how := api.NewInvite{Name: c.String("name")}
	life, given, err := durationFlag(c, "expires")
	if err == nil && given && life <= 0 {
		err = usagef("cannot use --expires %q: it would never be good", c.String("expires"))
	}
	if err != nil {
		return err
	}
	if given {
		how.Expires = (*api.Seconds)(&life)
	}
	made, err := s.client.Invite(c.Context, how)
	if err != nil {
		return s.aboutRoster(err, "")
	}
	if s.output == outputJSON {
		return s.printJSON(made)
	}
	s.note("invite %s, good once, ends %s; on the worker's machine: octasklyd worker --invite-file FILE, or put it at /etc/octaskly/invite", made.ID, agoText(made.ExpiresAt, time.Now()))
	return s.print("%s\n", made.Token)
}

func (s *session) workerInvitesCommand() *cli.Command {
	return &cli.Command{
		Name:        "invites",
		Usage:       "list invites",
		Description: "Lists the invites that are open, and those that are over lately, the latest first.",
		ArgsUsage:   "[FLAG…]",
		UsageText:   "octasklyctl worker invites",
		Action: func(c *cli.Context) error {
			if err := noWords(c); err != nil {
				return err
			}
			invites, err := s.client.Invites(c.Context)
			if err != nil {
				return s.aboutRoster(err, "")
			}
			return s.writeInvites(invites, time.Now())
		},
	}
}

func (s *session) writeInvites(invites []api.Invite, now time.Time) error {
	whole := func(all []api.Invite) any { return api.Invites{Invites: all} }
	id := func(v *api.Invite) string { return v.ID }
	return writeList(s, invites, whole, id, func() error {
		t := newTable("ID", "WORKER", "STATE", "BY", "MADE", "ENDS", "USED BY")
		for _, v := range invites {
			t.add(v.ID, v.Name, v.State, v.By, pastText(v.CreatedAt, now), agoText(v.ExpiresAt, now), v.UsedBy)
		}
		t.dropEmpty("USED BY")
		t.give, t.width = 1, terminalWidth(s.stdout)
		return t.write(s.stdout)
	})
}

func (s *session) workerUninviteCommand() *cli.Command {
	return &cli.Command{
		Name:        "uninvite",
		Usage:       "revoke invites that nobody has used",
		Description: "Revokes invites by their ids. A worker that has come by one stays: octasklyctl worker remove. It is for admins.",
		ArgsUsage:   "ID…",
		UsageText:   "octasklyctl worker uninvite 1f0c5a6b7d8e9f00112233445566778899",
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return withHint(usagef("the id of an invite is missing"), "octasklyctl worker invites lists the invites there are")
			}
			for _, id := range c.Args().Slice() {
				invite, err := s.client.RevokeInvite(c.Context, id)
				if errors.Is(err, octaskly.ErrNotFound) {
					err = withHint(err, "octasklyctl worker invites lists the invites there are")
				}
				if err == nil && s.output == outputJSON {
					err = s.printJSON(invite)
				}
				if err != nil {
					return s.aboutRoster(err, "")
				}
				s.note("invite %s is revoked", invite.ID)
			}
			return nil
		},
	}
}
