package config

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/dirs"
)

// Check returns what is wrong with a role's configuration, and writes to w a
// line about each variable that begins with OCTASKLY_ and means nothing, and about
// what is better otherwise.
func Check(w io.Writer, role dirs.Role, src Sources) error {
	known := variables()
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		if !ours || slices.Contains(known, rest) {
			continue
		}
		hint := ""
		if near := nearest(rest, known); near != "" {
			hint = fmt.Sprintf("; did you mean %s%s?", envPrefix, near)
		}
		if _, err := fmt.Fprintf(w, "%s: no variable of octaskly has this name%s\n", name, hint); err != nil {
			return err
		}
	}
	cfg, err := Load(role, src)
	if err != nil {
		return err
	}
	if said := advice(cfg); said != "" {
		_, err = fmt.Fprintln(w, said)
	}
	return err
}

// variables lists, without OCTASKLY_, the variables that configure some role,
// those of the command line, and those that a command finds in its environment:
// a daemon may be started by one.
func variables() []string {
	names := []string{
		"CONTEXT", strings.TrimPrefix(dirs.ConfigVar, envPrefix),
		"TASK_ID", "JOB_ID", "ARRAY_INDEX", "ITEM", "ATTEMPT", "WORKER", "GENERATION",
	}
	for _, role := range dirs.Roles {
		for _, key := range Keys(role) {
			names = append(names, strings.TrimPrefix(EnvName(key), envPrefix))
		}
	}
	return names
}
