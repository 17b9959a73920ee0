package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/security"
)

func (s *session) contextCommand() *cli.Command {
	return &cli.Command{
		Name:  "context",
		Usage: "choose between dispatchers",
		Description: "A context is a dispatcher elsewhere, its authority and a login there; octasklyctl login makes\n" +
			"one. Commands talk to what --socket or --context name, else to what $OCTASKLY_SOCKET or\n" +
			"$OCTASKLY_CONTEXT do, else to $OCTASKLY_URL with the token in $OCTASKLY_TOKEN_FILE, else to\n" +
			"the current context, and without one to a socket of this machine, which is also called local.",
		ArgsUsage:   "COMMAND",
		Subcommands: []*cli.Command{s.contextLsCommand(), s.contextShowCommand(), s.contextUseCommand(), s.contextRemoveCommand()},
	}
}

func (s *session) contextLsCommand() *cli.Command {
	return &cli.Command{
		Name:        "ls",
		Usage:       "list the contexts",
		Description: "Lists the contexts that octasklyctl login has made, the current one with a *.",
		ArgsUsage:   "[FLAG…]",
		UsageText:   "octasklyctl context ls\noctasklyctl context ls -o quiet",
		Action: func(c *cli.Context) error {
			if err := noWords(c); err != nil {
				return err
			}
			_, all, err := loadContexts()
			if err != nil {
				return err
			}
			return s.writeContexts(all)
		},
	}
}

func (s *session) contextShowCommand() *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "tell all of a context but its tokens",
		Description: "Tells where a context leads, whom it trusts and who is logged in; without a name, of the\ncurrent one.",
		ArgsUsage:   "[NAME]",
		UsageText:   "octasklyctl context show lab",
		Action: func(c *cli.Context) error {
			_, all, err := loadContexts()
			if err != nil {
				return err
			}
			name := cmp.Or(c.Args().First(), all.Current)
			switch found := all.Find(name); {
			case c.NArg() > 1:
				return usagef("show takes one name, and %q is another", c.Args().Get(1))
			case found != nil:
				return s.writeContext(viewOf(found, all))
			case name == "" || name == client.Local:
				return s.writeContext(contextView{Name: client.Local, Current: true})
			}
			return noContext(name, all)
		},
	}
}

func (s *session) contextUseCommand() *cli.Command {
	return &cli.Command{
		Name:  "use",
		Usage: "send commands to a context from now on",
		Description: "Makes a context the current one: commands without --socket, --context and their variables\n" +
			"go there. octasklyctl context use local goes back to the socket of this machine.",
		ArgsUsage: "NAME",
		UsageText: "octasklyctl context use lab\noctasklyctl context use local",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return withHint(usagef("use takes the name of a context"), "octasklyctl context ls lists the contexts there are")
			}
			name := c.Args().First()
			return s.changeContexts(c, "commands go to context "+name+" now", func(all *client.Contexts) error {
				if name != client.Local && all.Find(name) == nil {
					return noContext(name, all)
				}
				all.Current = name
				return nil
			})
		},
	}
}

func (s *session) contextRemoveCommand() *cli.Command {
	return &cli.Command{
		Name:        "remove",
		Aliases:     []string{"rm"},
		Usage:       "forget contexts",
		Description: "Forgets contexts and their tokens. A session goes on at its dispatcher until it expires;\noctasklyctl logout ends it before.",
		ArgsUsage:   "NAME…",
		UsageText:   "octasklyctl context remove lab",
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return withHint(usagef("the name of a context is missing"), "octasklyctl context ls lists the contexts there are")
			}
			current := ""
			err := s.changeContexts(c, "forgotten", func(all *client.Contexts) error {
				current = all.Current
				for _, name := range c.Args().Slice() {
					if !all.Remove(name) {
						return noContext(name, all)
					}
				}
				return nil
			})
			if err == nil && slices.Contains(c.Args().Slice(), current) {
				s.note("that was the current one: commands go to a socket of this machine now; octasklyctl context use NAME sends them elsewhere")
			}
			return err
		},
	}
}

func loadContexts() (*client.ContextFile, *client.Contexts, error) {
	file, err := client.OwnContexts()
	if err != nil {
		return nil, nil, err
	}
	all, err := file.Load()
	return file, all, err
}

func (s *session) changeContexts(c *cli.Context, says string, apply func(*client.Contexts) error) error {
	file, err := client.OwnContexts()
	if err == nil {
		err = file.Change(c.Context, apply)
	}
	if err == nil {
		s.note("%s", says)
	}
	return err
}

// contextView is a context without its secrets.
type contextView struct {
	Name        string     `json:"name"`
	Current     bool       `json:"current"`
	URL         string     `json:"url,omitempty"` // none: a socket of this machine
	User        string     `json:"user,omitempty"`
	LoggedIn    string     `json:"logged_in,omitempty"` // session or token
	ExpiresAt   *time.Time `json:"expires_at,omitempty"`
	Fingerprint string     `json:"fingerprint,omitempty"` // of the authority; none: the system's
	CA          string     `json:"ca,omitempty"`          // the authority's certificate, in PEM
}

func viewOf(c *client.Context, all *client.Contexts) contextView {
	v := contextView{Name: c.Name, Current: c.Name == all.Current, URL: c.URL, User: c.User}
	switch {
	case c.Token != "":
		v.LoggedIn = "token"
	case c.LoggedIn():
		v.LoggedIn, v.ExpiresAt = "session", &c.ExpiresAt
	}
	if trusted := c.Authority(); trusted != nil {
		v.Fingerprint, v.CA = security.Fingerprint(trusted), c.CA
	}
	return v
}
