package main

import (
	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
)

func (s *session) userPasswdCommand() *cli.Command {
	return &cli.Command{
		Name:  "passwd",
		Usage: "set a password",
		Description: "Without a name, changes your own password: the present one is needed, and your other logins\n" +
			"end at once. With a name, sets that user's, for admins, which ends all logins of the user.\n" +
			"Tokens of octasklyctl token create stay good. On a terminal, passwords are asked for. They\n" +
			"have 8 to 1024 bytes.",
		ArgsUsage: "[FLAG…] [NAME]",
		UsageText: "octasklyctl user passwd\noctasklyctl user passwd --password-file password ann",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "password-file", Usage: "read the new password from `FILE`; - is stdin; a newline at its end is left out"},
			&cli.StringFlag{Name: "present-file", Usage: "read your present password from `FILE`; - is stdin"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return s.changeOwn(c)
			}
			name, err := oneUser(c)
			if err != nil {
				return err
			}
			if c.IsSet("present-file") {
				return usagef("cannot use --present-file with a name: it is for your own password")
			}
			password, err := s.newPassword(c, name)
			if err == nil && password == "" {
				err = noPassword()
			}
			if err != nil {
				return err
			}
			user, err := s.client.ChangeUser(c.Context, name, api.UserChange{Password: &password})
			if err != nil {
				return s.aboutUser(err)
			}
			s.note("user %s has a new password; his logins have ended, his tokens for programs have not", name)
			return s.writeUser(user, false)
		},
	}
}

func (s *session) changeOwn(c *cli.Context) error {
	if c.String("password-file") == "-" && c.String("present-file") == "-" {
		return usagef("cannot use --password-file - and --present-file - together: there is one stdin")
	}
	present, err := s.presentPassword(c)
	if err != nil {
		return err
	}
	next, err := s.newPassword(c, "")
	if err == nil && next == "" {
		err = noPassword()
	}
	if err != nil {
		return err
	}
	if err := s.client.ChangePassword(c.Context, present, next); err != nil {
		return err
	}
	s.note("your password is changed; your other logins have ended, tokens for programs have not")
	return nil
}

func (s *session) presentPassword(c *cli.Context) (string, error) {
	switch {
	case c.IsSet("present-file"):
		present, err := s.readSecret(c.String("present-file"), maxPassword)
		if err != nil {
			return "", badFlag("present-file", err)
		}
		return present, nil
	case s.onTerminal():
		return s.askSecret("present password:")
	}
	return "", withHint(usagef("the present password is missing, and there is no terminal to ask for it"),
		"octasklyctl user passwd --present-file FILE --password-file FILE")
}

// newPassword is empty where there is none, and nobody to ask.
func (s *session) newPassword(c *cli.Context, name string) (string, error) {
	switch {
	case c.IsSet("password-file"):
		password, err := s.readSecret(c.String("password-file"), maxPassword)
		if err != nil {
			return "", badFlag("password-file", err)
		}
		if password == "" {
			return "", usagef("cannot use --password-file %q: it is empty", c.String("password-file"))
		}
		return password, nil
	case !s.onTerminal():
		return "", nil
	case name == "":
		return s.askNewSecret("new password:")
	}
	return s.askNewSecret("new password of " + name + ":")
}

func noPassword() error {
	return withHint(usagef("the new password is missing"), "type one on a terminal, or name a file by --password-file FILE")
}
