package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// environment merges the variables of a file with those of --env, which win.
// A bare NAME takes its value from lookup.
func environment(file string, given []string, lookup func(string) (string, bool)) ([]string, error) {
	var own []string
	for _, arg := range given {
		v, err := variable(arg, lookup)
		if err != nil {
			return nil, usagef("cannot read --env %q: %v", arg, err)
		}
		own = append(own, v)
	}
	if file == "" {
		return own, nil
	}
	vars, err := readEnvFile(file, lookup)
	vars = slices.DeleteFunc(vars, func(v string) bool {
		return slices.ContainsFunc(own, func(o string) bool { return nameOf(o) == nameOf(v) })
	})
	return append(vars, own...), err
}

// readEnvFile reads NAME=value and NAME, one a line; blank lines and those that
// begin with # are left out. A value is taken as it stands, quotes and all.
func readEnvFile(path string, lookup func(string) (string, bool)) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, usagef("cannot read --env-file: %v", err)
	}
	defer file.Close()
	var vars []string
	lines, size := bufio.NewScanner(file), 0
	lines.Buffer(nil, octaskly.MaxArg+1)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if start := strings.TrimSpace(line); start == "" || start[0] == '#' {
			continue
		}
		v, err := variable(line, lookup)
		if size += len(v) + 1; err == nil && size > octaskly.MaxArgs {
			err = fmt.Errorf("more than %d bytes up to here", octaskly.MaxArgs)
		}
		if err != nil {
			return nil, usagef("cannot read --env-file %q, line %d: %v", path, n, err)
		}
		vars = append(vars, v)
	}
	if err := lines.Err(); err != nil {
		return nil, usagef("cannot read --env-file %q: %v", path, err)
	}
	return vars, nil
}

// variable completes "NAME=value" or "NAME".
func variable(arg string, lookup func(string) (string, bool)) (string, error) {
	name, _, full := strings.Cut(arg, "=")
	switch {
	case name == "" || strings.ContainsAny(name, " \t\"'"):
		return "", errors.New("want NAME=value, or NAME for the value it has here")
	case full:
		return arg, nil
	}
	value, ok := lookup(name)
	if !ok {
		return "", errors.New("it has no value, and none here either")
	}
	return name + "=" + value, nil
}

func nameOf(variable string) string {
	name, _, _ := strings.Cut(variable, "=")
	return name
}
