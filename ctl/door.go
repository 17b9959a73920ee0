package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/octaskly/octaskly/internal/client"
)

// door is whom a command line means to talk to.
type door struct {
	socket  string // empty: the usual one
	context string // client.Local: a socket; empty: nothing was said
}

// chooseDoor goes by the flags, then by the variables.
func chooseDoor(line *commandLine, getenv func(string) string) (door, error) {
	socket, bySocket := line.value("socket")
	context, byContext := line.value("context")
	switch {
	case bySocket && byContext:
		return door{}, usagef("cannot use --socket and --context together: each says which dispatcher is meant")
	case byContext && context == "":
		return door{}, withHint(usagef("cannot use --context: it is empty"), "octasklyctl context ls lists the contexts there are")
	case byContext:
		return door{context: context}, nil
	case bySocket:
		return door{socket, client.Local}, nil
	}
	socket, context = getenv(client.SocketVar), getenv(client.ContextVar)
	switch {
	case socket != "" && context != "":
		return door{}, withHint(usagef("cannot use $%s and $%s together: each says which dispatcher is meant", client.SocketVar, client.ContextVar),
			"unset %s", client.ContextVar)
	case context != "":
		return door{context: context}, nil
	case socket != "":
		return door{socket, client.Local}, nil
	}
	return door{}, nil
}

// value is what a flag was last given.
func (l *commandLine) value(name string) (value string, given bool) {
	for _, use := range slices.Backward(l.uses) {
		if use.name == name {
			return use.value, true
		}
	}
	return "", false
}

// doorless are the commands that choose for themselves, or talk to nobody.
var doorless = []string{"login", "context", "completion", "manual", "discover"}

// enter makes the client of whom the line means.
func (s *session) enter(line *commandLine) error {
	chosen, err := chooseDoor(line, os.Getenv)
	if err != nil {
		return err
	}
	options := client.Options{Socket: chosen.socket, Notice: s.outage.notice, Held: s.held}
	doorless := len(line.path) > 0 && slices.Contains(doorless, line.path[0].Name)
	if chosen.context != client.Local && !doorless {
		if s.context, err = s.chooseContext(chosen); err != nil {
			return err
		}
	}
	if s.context != nil {
		options.Server = &client.Server{Context: *s.context}
	}
	if s.context != nil && s.contexts != nil {
		options.Server.Store = s.contexts
	}
	s.client = client.New(options)
	return nil
}

// chooseContext is the context that was named, or that the variables make, or the
// current one; nil: a socket.
func (s *session) chooseContext(chosen door) (*client.Context, error) {
	if chosen == (door{}) {
		if made, err := s.fromVariables(os.Getenv); made != nil || err != nil {
			return made, err
		}
	}
	return s.findContext(chosen.context)
}

// findContext is the context of that name, or the current one; nil: a socket.
func (s *session) findContext(name string) (*client.Context, error) {
	file, err := client.OwnContexts()
	if err != nil {
		if name == "" {
			return nil, nil // who has no home has chosen none
		}
		return nil, err
	}
	all, err := file.Load()
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = all.Current
	}
	if s.contexts = file; name == "" || name == client.Local {
		return nil, nil
	}
	if found := all.Find(name); found != nil {
		return found, nil
	}
	return nil, noContext(name, all)
}

func noContext(name string, all *client.Contexts) error {
	err := usagef("there is no context %.80q%s", name, didYouMean(nearest(name, contextNames(all))))
	return withHint(err, "octasklyctl context ls lists the contexts there are; octasklyctl login URL makes one")
}

func contextNames(all *client.Contexts) []string {
	names := []string{client.Local}
	for _, c := range all.Contexts {
		names = append(names, c.Name)
	}
	return names
}

// loginHint is how to log in again.
func loginHint(url string) string { return fmt.Sprintf("octasklyctl login %s", quote(url)) }
