package main

import (
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// byDefault stands for what the dispatcher's configuration says.
const byDefault = "default"

func quotaFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "role", Usage: "a `ROLE`: admin, dispatcher (all tasks, and workers), worker or client (tasks of his own)"},
		&cli.StringFlag{Name: "queued", Usage: "at most `N` tasks that wait; or unlimited, or default for what is configured"},
		&cli.StringFlag{Name: "running", Usage: "at most `N` tasks that run; or unlimited, or default"},
		&cli.StringFlag{Name: "rate", Usage: "at most `N` submissions a second in the long run, such as 0.5; or unlimited, or default"},
	}
}

func (s *session) userAddCommand() *cli.Command {
	return &cli.Command{
		Name:  "add",
		Usage: "make a user",
		Description: "Makes a user, for admins. On a terminal, the password is asked for; an empty one, or none,\n" +
			"lets the user come by tokens of octasklyctl token create only. Whoever has the same name\n" +
			"on the dispatcher's machine owns the same jobs.",
		ArgsUsage: "[FLAG…] NAME",
		UsageText: "octasklyctl user add ann\noctasklyctl user add --role admin --password-file password bob\noctasklyctl user add --running 100 --rate 5 ci",
		Flags:     append(quotaFlags(), &cli.StringFlag{Name: "password-file", Usage: "read the password from `FILE`; - is stdin; a newline at its end is left out"}),
		Action: func(c *cli.Context) error {
			name, err := oneUser(c)
			if err != nil {
				return err
			}
			user := api.NewUser{Name: name}
			if user.Role, err = roleFlag(c); err == nil {
				err = readQuota(c, &user.Quota)
			}
			if err == nil {
				user.Password, err = s.newPassword(c, name)
			}
			if err != nil {
				return err
			}
			made, err := s.client.CreateUser(c.Context, user)
			if err != nil {
				return s.aboutUser(err)
			}
			if s.note("user %s is there, as %s", made.Name, made.Role); !made.Password {
				s.note("without a password; a token: octasklyctl token create --user %s --name NAME", quote(made.Name))
			}
			s.noteJobs(made, "are there from before, and are this user's now")
			return s.writeUser(made, false)
		},
	}
}

func (s *session) userSetCommand() *cli.Command {
	return &cli.Command{
		Name:  "set",
		Usage: "change the role, quota or access of users",
		Description: "Changes what the flags say, for admins. A lesser role, --disable and --no-password end all\n" +
			"logins of the user at once.",
		ArgsUsage: "[FLAG…] NAME…",
		UsageText: "octasklyctl user set --role dispatcher ann\noctasklyctl user set --disable bob\noctasklyctl user set --running unlimited --queued default ci",
		Flags: append(quotaFlags(),
			&cli.BoolFlag{Name: "disable", Usage: "keep the user out"},
			&cli.BoolFlag{Name: "enable", Usage: "let the user in again"},
			&cli.BoolFlag{Name: "no-password", Usage: "take the password away: the user comes by tokens only"}),
		Action: s.userSet,
	}
}

func (s *session) userSet(c *cli.Context) error {
	var how api.UserChange
	var err error
	if how.Role, err = roleFlag(c); err != nil {
		return err
	}
	switch disable, enable := c.Bool("disable"), c.Bool("enable"); {
	case disable && enable:
		return usagef("cannot use --disable and --enable together")
	case disable || enable:
		how.Disabled = &disable
	}
	if c.Bool("no-password") {
		how.Password = new("")
	}
	quotas := c.IsSet("queued") || c.IsSet("running") || c.IsSet("rate")
	if err := readQuota(c, new(api.Quota)); err != nil {
		return err
	}
	if how == (api.UserChange{}) && !quotas {
		return withHint(usagef("nothing is to be changed"), "octasklyctl user set --help lists its flags; octasklyctl user passwd NAME sets a password")
	}
	return s.eachUser(c, func(name string) (*api.User, error) {
		if quotas { // what is not mentioned stays
			user, err := s.client.User(c.Context, name)
			if err != nil {
				return nil, err
			}
			how.Quota = &user.Quota
			if err := readQuota(c, how.Quota); err != nil {
				return nil, err
			}
		}
		user, err := s.client.ChangeUser(c.Context, name, how)
		if err == nil {
			s.note("user %s is changed", name)
		}
		return user, err
	})
}

func oneUser(c *cli.Context) (string, error) {
	switch {
	case c.NArg() == 0:
		return "", noUserName()
	case c.NArg() > 1:
		return "", usagef("%s takes one name, and %q is another", c.Command.Name, c.Args().Get(1))
	}
	return c.Args().First(), nil
}

func roleNames() []string {
	names := make([]string, len(octaskly.Roles))
	for i, role := range octaskly.Roles {
		names[i] = string(role)
	}
	return names
}

func roleFlag(c *cli.Context) (octaskly.Role, error) {
	name, err := wordFlag(c, "role", roleNames())
	return octaskly.Role(name), err
}

// readQuota changes what is given by flags.
func readQuota(c *cli.Context, q *api.Quota) error {
	queued, err := quotaFlag(c, "queued", float64(q.Queued), true)
	if err != nil {
		return err
	}
	running, err := quotaFlag(c, "running", float64(q.Running), true)
	if err != nil {
		return err
	}
	q.Queued, q.Running = int64(queued), int64(running)
	q.Rate, err = quotaFlag(c, "rate", q.Rate, false)
	return err
}

const maxQuota = 1e12

func quotaFlag(c *cli.Context, name string, before float64, whole bool) (float64, error) {
	text := c.String(name)
	switch {
	case !c.IsSet(name):
		return before, nil
	case text == unlimited:
		return -1, nil
	case text == byDefault:
		return 0, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n > 0 && n <= maxQuota) || whole && n != float64(int64(n)) {
		return 0, usagef("cannot use %s %q: want a number above 0, unlimited or default", dashed(name), text)
	}
	return n, nil
}
