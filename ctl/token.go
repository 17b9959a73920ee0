package main

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func (s *session) tokenCommand() *cli.Command {
	return &cli.Command{
		Name:        "token",
		Usage:       "make tokens for programs, and end tokens and logins",
		Description: "A token shows who somebody is: a program has one of its own, and each login is one, too.",
		ArgsUsage:   "COMMAND",
		Subcommands: []*cli.Command{s.tokenCreateCommand(), s.tokenLsCommand(), s.tokenRevokeCommand()},
	}
}

func (s *session) tokenCreateCommand() *cli.Command {
	return &cli.Command{
		Name:  "create",
		Usage: "make a token for a program and print it",
		Description: "Makes a token and prints it, and nothing else, on stdout. It is not kept: nobody can print\n" +
			"it again. It permits what its role does, which is never more than that of its user, until\n" +
			"it expires, is revoked, or its user goes. Use it by octasklyctl login --token-file, or in\n" +
			"the header Authorization, after Bearer. Keep it from others: umask 077 before makes the file\n" +
			"yours alone. A token makes no other: log in, or use the dispatcher's socket, for that.",
		ArgsUsage: "[FLAG…]",
		UsageText: "(umask 077; octasklyctl token create --name ci --expires 30d > token)\noctasklyctl token create --name dashboard --user ann --role client",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the token, for people"},
			&cli.StringFlag{Name: "role", Usage: "a `ROLE`: admin, dispatcher, worker or client (default: that of the user)"},
			&cli.StringFlag{Name: "expires", Usage: "good for `TIME`, such as 12h or 30d (default: 90d)"},
			&cli.StringFlag{Name: "user", Usage: "of the user `NAME`, for admins (default: you)"},
		},
		Action: s.tokenCreate,
	}
}

func (s *session) tokenCreate(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	token := api.NewToken{Name: c.String("name"), User: c.String("user")}
	if token.Name == "" {
		return withHint(usagef("the token needs a name"), "octasklyctl token create --name NAME")
	}
	var err error
	if token.Role, err = roleFlag(c); err != nil {
		return err
	}
	life, given, err := durationFlag(c, "expires")
	if err == nil && given && life <= 0 {
		err = usagef("cannot use --expires %q: it would never be good", c.String("expires"))
	}
	if err != nil {
		return err
	}
	if given {
		token.Expires = (*api.Seconds)(&life)
	}
	made, err := s.client.CreateToken(c.Context, token)
	if err != nil {
		return s.aboutUser(err)
	}
	if s.output == outputJSON {
		return s.printJSON(made)
	}
	s.note("token %s, as %s, expires %s; it is not shown again", made.ID, made.Role, agoText(made.ExpiresAt, time.Now()))
	return s.print("%s\n", made.Secret)
}

func (s *session) tokenLsCommand() *cli.Command {
	return &cli.Command{
		Name:  "ls",
		Usage: "list tokens and logins",
		Description: "Lists your tokens and logins, the latest first, also those that have ended lately. USED is\n" +
			"about when a token was last shown.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl token ls\noctasklyctl token ls --all -o json | jq '.tokens[] | select(.kind == \"machine\")'",
		Flags:     []cli.Flag{&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "those of all users, for admins"}},
		Action: func(c *cli.Context) error {
			if err := noWords(c); err != nil {
				return err
			}
			tokens, err := s.client.Tokens(c.Context, c.Bool("all"))
			if err != nil {
				return s.aboutToken(err)
			}
			slices.SortStableFunc(tokens, func(a, b api.Token) int { return b.CreatedAt.Compare(a.CreatedAt) })
			return s.writeTokens(tokens, time.Now())
		},
	}
}

func (s *session) writeTokens(tokens []api.Token, now time.Time) error {
	whole := func(all []api.Token) any { return api.Tokens{Tokens: all} }
	id := func(t *api.Token) string { return t.ID }
	return writeList(s, tokens, whole, id, func() error {
		t := newTable("ID", "KIND", "USER", "ROLE", "NAME", "FROM", "CREATED", "USED", "ENDS")
		for _, token := range tokens {
			used := ""
			if token.UsedAt != nil {
				used = pastText(*token.UsedAt, now)
			}
			t.add(token.ID, string(token.Kind), token.User, string(token.Role), token.Name, token.From, pastText(token.CreatedAt, now), used, tokenEnd(&token, now))
		}
		t.give, t.width = 4, terminalWidth(s.stdout)
		return t.write(s.stdout)
	})
}

func tokenEnd(t *api.Token, now time.Time) string {
	switch {
	case t.RevokedAt != nil:
		return "revoked"
	case !t.ExpiresAt.After(now):
		return "expired"
	}
	return agoText(t.ExpiresAt, now)
}

func (s *session) tokenRevokeCommand() *cli.Command {
	return &cli.Command{
		Name:        "revoke",
		Usage:       "end tokens and logins at once",
		Description: "Ends tokens and logins by their ids, at once: the next call that shows one is refused.",
		ArgsUsage:   "ID…",
		UsageText:   "octasklyctl token revoke 01jd3vx6n2",
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return withHint(usagef("the id of a token is missing"), "octasklyctl token ls lists the tokens there are")
			}
			for _, id := range c.Args().Slice() {
				token, err := s.client.RevokeToken(c.Context, id)
				if err == nil && s.output == outputJSON {
					err = s.printJSON(token)
				}
				if err != nil {
					return s.aboutToken(err)
				}
				s.note("token %s%s has ended", token.ID, inParens(cmp.Or(token.Name, string(token.Kind))+" of "+token.User))
			}
			return nil
		},
	}
}

func inParens(text string) string { return " (" + text + ")" }

// aboutToken adds to an error of these commands what to type next.
func (s *session) aboutToken(err error) error {
	switch {
	case errors.Is(err, octaskly.ErrNotFound):
		return withHint(err, "octasklyctl token ls lists the tokens there are")
	case errors.Is(err, octaskly.ErrDenied):
		return s.notAdmin(err)
	}
	return err
}
