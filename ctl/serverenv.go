package main

import (
	"fmt"

	"github.com/octaskly/octaskly/internal/client"
)

// Variables that stand for a context, where a program has none: in CI, in a
// container.
const (
	urlVar   = "OCTASKLY_URL"
	tokenVar = "OCTASKLY_TOKEN_FILE"
	caVar    = "OCTASKLY_CA"
)

// fromVariables is the context that the variables make, which is kept nowhere; nil
// if they make none.
func (s *session) fromVariables(getenv func(string) string) (*client.Context, error) {
	where, token, ca := getenv(urlVar), getenv(tokenVar), getenv(caVar)
	switch {
	case where == "" && token == "" && ca == "":
		return nil, nil
	case where == "":
		return nil, usagef("cannot use $%s and $%s without $%s, which says whose they are", tokenVar, caVar, urlVar)
	case token == "":
		return nil, withHint(usagef("cannot use $%s without $%s, the file with a token", urlVar, tokenVar), "octasklyctl token create prints one")
	}
	url, err := client.ParseURL(where)
	if err != nil {
		return nil, usagef("cannot use $%s: %v", urlVar, err)
	}
	c := &client.Context{Name: "environment", URL: url.String()}
	if c.Token, err = s.readVariable(tokenVar, token, maxToken); err != nil {
		return nil, err
	}
	if ca != "" {
		if c.CA, err = s.readVariable(caVar, ca, maxAuthorities); err != nil {
			return nil, err
		}
	}
	if err := c.Check(); err != nil {
		return nil, usagef("cannot use $%s, $%s and $%s: %v", urlVar, tokenVar, caVar, err)
	}
	return c, nil
}

// readVariable reads the file that a variable names.
func (s *session) readVariable(name, path string, limit int) (string, error) {
	text, err := s.readSecret(path, limit)
	if err == nil && text == "" {
		err = fmt.Errorf("%q is empty", path)
	}
	if err != nil {
		return "", usagef("cannot use $%s: %v", name, err)
	}
	return text, nil
}
