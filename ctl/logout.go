package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func (s *session) logoutCommand() *cli.Command {
	return &cli.Command{
		Name:  "logout",
		Usage: "end a login, and forget its tokens",
		Description: "Ends the session of the current context, or of the one named by --context, and forgets\n" +
			"its tokens; the context stays. A token of octasklyctl token create is forgotten here only.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl logout\noctasklyctl logout --context lab",
		Action:    s.logout,
	}
}

func (s *session) logout(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	if s.context == nil {
		return withHint(usagef("nobody is logged in to a socket of this machine"), "octasklyctl logout --context NAME; octasklyctl context ls lists the contexts there are")
	}
	if s.contexts == nil {
		return withHint(usagef("nobody is logged in by $%s: a token is used, and nothing is kept", urlVar), "octasklyctl token revoke ID ends a token")
	}
	var ended error
	if s.context.Token == "" && s.context.LoggedIn() {
		if ended = s.client.Logout(c.Context); errors.Is(ended, octaskly.ErrUnknown) {
			ended = nil // it had ended before
		}
	}
	err := s.contexts.Renew(c.Context, s.context.Name, func(stored *client.Context) error {
		stored.Forget()
		return nil
	})
	if err != nil {
		return err
	}
	if ended != nil {
		return withHint(fmt.Errorf("the tokens are forgotten here, but the session goes on there: %w", ended),
			"an admin can end it: octasklyctl token ls --all; octasklyctl token revoke ID")
	}
	s.note("nobody is logged in to %s by context %s any more", s.context.URL, s.context.Name)
	return nil
}

func (s *session) whoamiCommand() *cli.Command {
	return &cli.Command{
		Name:  "whoami",
		Usage: "tell who you are to the dispatcher, and what you may do",
		Description: "Tells by which name the dispatcher knows you, your role and what that permits: on a\n" +
			"socket those of your user on this machine, else those of your login.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl whoami\noctasklyctl whoami -o json | jq -r .role",
		Action:    s.whoami,
	}
}

func (s *session) whoami(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	me, err := s.client.Self(c.Context)
	if err != nil {
		return err
	}
	switch s.output {
	case outputJSON:
		return s.printJSON(me)
	case outputQuiet:
		return s.print("%s\n", me.Name)
	}
	p := &page{}
	p.line("name", me.Name)
	p.line("role", string(me.Role))
	p.line("may", orNone(me.Permissions))
	p.line("from", me.From)
	p.line("token", me.Token)
	if s.context != nil {
		p.line("context", s.context.Name)
		p.line("url", s.context.URL)
	}
	return p.write(s.stdout)
}
