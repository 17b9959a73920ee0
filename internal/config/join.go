package config

import (
	"fmt"
	"path"
	"strings"
)

// Join says which workers the dispatcher takes in.
type Join struct {
	// Allow is patterns of the names that workers may have, as in "web-*". Default:
	// none, and they may have any.
	Allow []string `toml:"allow"`
	// Key lets workers join by the fleet key alone, and work without a certificate.
	// Default: true.
	Key bool `toml:"key"`
}

func (j *Join) check(l *loader) {
	l.require("join.allow", each(j.Allow, namePattern))
}

// namePattern is what path.Match takes, of the characters that names are made of.
func namePattern(text string) error {
	odd := func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("._-*?[]^", c))
	}
	if _, err := path.Match(text, ""); err != nil || text == "" || len(text) > 64 || strings.ContainsFunc(text, odd) {
		return fmt.Errorf(`%.64q is no pattern of names; one is written as web-*, db[0-9] or db1`, text)
	}
	return nil
}
