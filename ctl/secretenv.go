package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// readSecrets reads the values of --secret-env, which never stand on the command
// line: everybody on the machine could read them there.
func (s *session) readSecrets(c *cli.Context, sub *submission) error {
	if !c.IsSet("secret-env") {
		return nil
	}
	secrets, err := s.secretEnv(c)
	if err != nil {
		return err
	}
	sub.SecretEnv = secrets
	spec := octaskly.Spec{Argv: strs(sub.Argv), Env: strs(sub.Env)}
	return spec.NameSecrets(strs(secrets))
}

func (s *session) secretEnv(c *cli.Context) ([]api.Text, error) {
	var all []api.Text
	fromStdin := ""
	for _, arg := range c.StringSlice("secret-env") {
		name, path, hasPath := strings.Cut(arg, "=")
		if err := checkSecretName(name, path, hasPath); err != nil {
			return nil, usagef("cannot use --secret-env %q: %v", name, err)
		}
		if path == "-" {
			if fromStdin != "" || c.String("stdin") == "-" || c.String("each-line") == "-" {
				return nil, usagef("cannot use --secret-env %s=- with another flag that reads stdin: there is one stdin", name)
			}
			fromStdin = name
		}
		value, err := s.secretValue(name, path)
		if err != nil {
			return nil, err
		}
		all = append(all, api.Text(name+"="+value))
	}
	return all, nil
}

func checkSecretName(name, path string, hasPath bool) error {
	switch {
	case name == "" || strings.ContainsAny(name, " \t\"'"):
		return fmt.Errorf("want NAME=FILE, NAME=- for stdin, or NAME to be asked for it on a terminal")
	case hasPath && path == "":
		return fmt.Errorf("the name of a file is missing; its value may not stand there")
	}
	return nil
}

func (s *session) secretValue(name, path string) (string, error) {
	switch {
	case path != "":
		value, err := s.readSecret(path, octaskly.MaxArg-len(name)-2)
		switch misread := usagef("cannot use --secret-env %s: %v", name, err); {
		case err == nil:
			return value, nil
		case errors.Is(err, fs.ErrNotExist):
			return "", withHint(misread, "NAME=FILE has the name of a file, not the value: everybody on this machine could read that")
		case errors.Is(err, errTooLong):
			return "", withHint(misread, "Linux gives no command a longer variable; --stdin takes up to 256 MiB, which are not kept secret")
		default:
			return "", misread
		}
	case s.onTerminal():
		return s.askSecret("value of " + name + ":")
	}
	return "", withHint(usagef("the value of --secret-env %s is missing, and there is no terminal to ask for it", name),
		"--secret-env %s=FILE reads a file, --secret-env %s=- reads stdin", name, name)
}
