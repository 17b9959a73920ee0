package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func (s *session) userCommand() *cli.Command {
	return &cli.Command{
		Name:  "user",
		Usage: "say who may use the dispatcher from elsewhere",
		Description: "Users are those whom the dispatcher itself knows, by a password or a token. Users of its\n" +
			"machine, who come through the socket, need not be among them.",
		ArgsUsage: "COMMAND",
		Subcommands: []*cli.Command{
			s.userLsCommand(), s.userShowCommand(), s.userAddCommand(), s.userSetCommand(), s.userRemoveCommand(), s.userPasswdCommand(),
		},
	}
}

func (s *session) userLsCommand() *cli.Command {
	return &cli.Command{
		Name:        "ls",
		Usage:       "list the users",
		Description: "Lists the users, for admins. What a user may have at most is empty where it is as the\ndispatcher's configuration says for all.",
		ArgsUsage:   "[FLAG…]",
		UsageText:   "octasklyctl user ls\noctasklyctl user ls -o json | jq -r '.users[] | select(.role == \"admin\") | .name'",
		Action: func(c *cli.Context) error {
			if err := noWords(c); err != nil {
				return err
			}
			users, err := s.client.Users(c.Context)
			if err != nil {
				return s.aboutUser(err)
			}
			slices.SortFunc(users, func(a, b api.User) int { return cmp.Compare(a.Name, b.Name) })
			return s.writeUsers(users)
		},
	}
}

func (s *session) writeUsers(users []api.User) error {
	whole := func(all []api.User) any { return api.Users{Users: all} }
	id := func(u *api.User) string { return u.Name }
	return writeList(s, users, whole, id, func() error {
		t := newTable("NAME", "ROLE", "LOGIN", "QUEUED", "RUNNING", "RATE", "CHANGED")
		for _, u := range users {
			t.add(u.Name, string(u.Role), loginText(&u), quotaText(u.Quota.Queued), quotaText(u.Quota.Running), quotaText(u.Quota.Rate), pastText(u.ChangedAt, time.Now()))
		}
		t.dropEmpty("QUEUED", "RUNNING", "RATE")
		return t.write(s.stdout)
	})
}

// loginText is how a user may come.
func loginText(u *api.User) string {
	switch {
	case u.Disabled:
		return "disabled"
	case u.Password:
		return "password"
	}
	return "tokens only"
}

// quotaText is empty for what the configuration says.
func quotaText[N int64 | float64](n N) string {
	switch {
	case n == 0:
		return ""
	case n < 0:
		return unlimited
	}
	return fmt.Sprintf("%v", n)
}

func (s *session) userShowCommand() *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "tell all of a user",
		Description: "Tells all of users but their passwords, of which nobody knows more than a hash. It is for admins.",
		ArgsUsage:   "NAME…",
		UsageText:   "octasklyctl user show ann",
		Action: func(c *cli.Context) error {
			return s.eachUser(c, func(name string) (*api.User, error) { return s.client.User(c.Context, name) })
		},
	}
}

func (s *session) userRemoveCommand() *cli.Command {
	return &cli.Command{
		Name:        "remove",
		Aliases:     []string{"rm"},
		Usage:       "forget users, and end their tokens at once",
		Description: "Forgets users; their logins and tokens end at once. Their jobs stay and go on: octasklyctl cancel\nends them. It is for admins.",
		ArgsUsage:   "NAME…",
		UsageText:   "octasklyctl user remove ann",
		Action: func(c *cli.Context) error {
			return s.eachUser(c, func(name string) (*api.User, error) {
				user, err := s.client.RemoveUser(c.Context, name)
				if err == nil {
					s.note("user %s is forgotten, and his tokens have ended", name)
					s.noteJobs(user, "stay, and are those of whoever gets the name next")
				}
				return user, err
			})
		},
	}
}

// eachUser does something for each user that is named, and shows what comes of it.
func (s *session) eachUser(c *cli.Context, apply func(name string) (*api.User, error)) error {
	if c.NArg() == 0 {
		return noUserName()
	}
	for i, name := range c.Args().Slice() {
		user, err := apply(name)
		if err != nil {
			return s.aboutUser(err)
		}
		if i > 0 && s.output == outputTable && c.Command.Name == "show" {
			err = s.print("\n")
		}
		if err == nil {
			err = s.writeUser(user, c.Command.Name == "show")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// noteJobs tells whose jobs the name of a user owns.
func (s *session) noteJobs(u *api.User, what string) {
	if u.Jobs > 0 {
		s.note("%d jobs of the name %s %s", u.Jobs, u.Name, what)
	}
}

func noUserName() error {
	return withHint(usagef("the name of a user is missing"), "octasklyctl user ls lists the users there are")
}

// writeUser says in a table nothing of what was only changed.
func (s *session) writeUser(u *api.User, asked bool) error {
	switch {
	case s.output == outputJSON:
		return s.printJSON(u)
	case s.output == outputQuiet && asked:
		return s.print("%s\n", u.Name)
	case s.output == outputQuiet || !asked:
		return nil
	}
	p := &page{}
	p.line("name", u.Name)
	p.line("role", string(u.Role))
	p.line("login", loginText(u))
	p.line("queued", quotaLine(u.Quota.Queued, "tasks"))
	p.line("running", quotaLine(u.Quota.Running, "tasks"))
	p.line("rate", quotaLine(u.Quota.Rate, "submissions a second"))
	p.past("created", &u.CreatedAt, time.Now())
	p.past("changed", &u.ChangedAt, time.Now())
	return p.write(s.stdout)
}

func quotaLine[N int64 | float64](n N, what string) string {
	if n > 0 {
		return fmt.Sprintf("%v %s at most", n, what)
	}
	return cmp.Or(quotaText(n), "as configured for all")
}

// aboutUser adds to an error of these commands what to type next.
func (s *session) aboutUser(err error) error {
	switch {
	case errors.Is(err, octaskly.ErrNotFound):
		return withHint(err, "octasklyctl user ls lists the users there are")
	case errors.Is(err, octaskly.ErrDenied):
		return s.notAdmin(err)
	}
	return err
}

// notAdmin adds to a refusal who may.
func (s *session) notAdmin(err error) error {
	return withHint(err, "an admin may; octasklyctl whoami tells who you are here")
}
