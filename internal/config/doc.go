// Package config reads the configuration of a daemon, layer upon layer:
//
//	flags                     --limits-lease 1m
//	environment               OCTASKLY_LIMITS_LEASE=1m
//	drop-ins                  /etc/octaskly/dispatcher.d/*.toml, in the order of their names; a later one wins
//	the role's file           /etc/octaskly/dispatcher.toml
//	built in                  what [Dispatcher], [Worker] and [Executor] say
//
// A key has one name in all of them: "limits.lease" is key lease of table
// [limits] in a file, and [FlagName] and [EnvName] make the other two of it.
// Package dirs says which directory stands for /etc/octaskly. A file that is
// missing is fine unless it was named; an empty variable counts as unset. A list
// is an array in a file and separated by colons, like PATH, in the other two.
//
// Nothing is guessed and nothing ignored: an unknown key, a value of the wrong
// type or out of range is a [Problem] with its place. All of them are reported
// together.
package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/dirs"
)

// Config is a *Dispatcher, a *Worker or an *Executor.
type Config interface {
	// Origin says where the value of key comes from.
	Origin(key string) Origin

	common() *Common
	uses(key string) bool
	check(*loader)
}

// Load reads the configuration of a role. LoadDispatcher, LoadWorker and
// LoadExecutor do the same for callers that know which.
func Load(role dirs.Role, src Sources) (Config, error) {
	cfg, err := builtIn(role)
	if err != nil {
		return nil, err
	}
	return cfg, load(role, cfg, src)
}

func builtIn(role dirs.Role) (Config, error) {
	switch role {
	case dirs.Dispatcher:
		return newDispatcher(), nil
	case dirs.Worker:
		return newWorker(), nil
	case dirs.Executor:
		return newExecutor(), nil
	}
	return nil, fmt.Errorf("cannot configure role %q: it is none of %v", role, dirs.Roles)
}

// Keys lists the keys of a role, "limits.lease" and the like, in the order of
// its struct. It returns nil for an unknown role.
func Keys(role dirs.Role) []string {
	cfg, err := builtIn(role)
	if err != nil {
		return nil
	}
	var keys []string
	for _, f := range fieldsOf(cfg) {
		keys = append(keys, f.key)
	}
	return keys
}

// IsSwitch reports whether a key of a role is true or false: its flag may stand
// alone.
func IsSwitch(role dirs.Role, key string) bool {
	cfg, err := builtIn(role)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(fieldsOf(cfg), func(f field) bool { return f.key == key && f.isSwitch() })
}

// FlagName returns the name of key's flag, without its dashes.
func FlagName(key string) string { return strings.NewReplacer("_", "-", ".", "-").Replace(key) }

const envPrefix = "OCTASKLY_"

// EnvName returns the name of key's variable.
func EnvName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}
