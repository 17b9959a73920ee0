package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/units"
)

// badFlag says which flag an error of package units or octaskly is about.
func badFlag(name string, err error) error { return usagef("cannot use %s: %v", dashed(name), err) }

func durationFlag(c *cli.Context, name string) (d time.Duration, given bool, err error) {
	if !c.IsSet(name) {
		return 0, false, nil
	}
	parsed, err := units.ParseDuration(c.String(name))
	if err != nil {
		return 0, true, badFlag(name, err)
	}
	return parsed.Std(), true, nil
}

// countFlag reads a whole number from least to most; 0 where it is not given.
func countFlag(c *cli.Context, name string, least, most int) (int, error) {
	if !c.IsSet(name) {
		return 0, nil
	}
	n, err := strconv.Atoi(c.String(name))
	if err != nil || n < least || n > most {
		return 0, usagef("cannot use %s %q: want a whole number from %d to %d", dashed(name), c.String(name), least, most)
	}
	return n, nil
}

// wordFlag reads a flag that takes one of some words; "" where it is not given.
func wordFlag(c *cli.Context, name string, words []string) (string, error) {
	word := c.String(name)
	if !c.IsSet(name) || slices.Contains(words, word) {
		return word, nil
	}
	return "", usagef("cannot use %s %q: want %s%s", dashed(name), word, either(words), didYouMean(nearest(word, words)))
}

// either is "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func parseCount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number", text)
	}
	return n, nil
}

func texts(words []string) []api.Text {
	all := make([]api.Text, len(words))
	for i, word := range words {
		all[i] = api.Text(word)
	}
	return all
}

func strs(words []api.Text) []string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = string(word)
	}
	return all
}
