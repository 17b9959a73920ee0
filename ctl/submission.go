package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

// submission is what submit and run send.
type submission struct {
	api.Submission
	stdin, items *input // uploaded first; nil: none
}

func (s *submission) Close() error { return errors.Join(s.stdin.Close(), s.items.Close()) }

// readSubmission reads flags and words; its errors say which one is wrong.
func (s *session) readSubmission(c *cli.Context) (*submission, error) {
	sub := &submission{}
	for _, read := range []func(*cli.Context) error{sub.readCommand, sub.readPlace, sub.readTimes, sub.readRoom, sub.readBox, sub.readLimits, sub.readArray, sub.check} {
		if err := read(c); err != nil {
			return nil, err
		}
	}
	if err := s.readSecrets(c, sub); err != nil {
		return nil, err
	}
	if err := sub.readInputs(c, s.stdin); err != nil {
		return nil, errors.Join(err, sub.Close())
	}
	return sub, nil
}

func (s *submission) readCommand(c *cli.Context) error {
	s.Name, s.Merge, s.Key = c.String("name"), c.Bool("merge"), c.String("idempotency-key")
	s.AtMostOne = c.Bool("at-most-one")
	if c.IsSet("idempotency-key") && s.Key == "" {
		return usagef("cannot use --idempotency-key: it is empty")
	}
	argv := c.Args().Slice()
	if c.Bool("shell") {
		if len(argv) > 1 {
			return withHint(usagef("cannot take %q after the script of --shell, which is one word", argv[1]),
				"quote the whole script, or write: octasklyctl %s -- sh -c SCRIPT sh ARG…", c.Command.Name)
		}
		if len(argv) == 1 {
			argv = []string{"sh", "-c", argv[0]}
		}
	}
	s.Argv = texts(argv)
	return nil
}

func (s *submission) readPlace(c *cli.Context) error {
	env, err := environment(c.String("env-file"), c.StringSlice("env"), os.LookupEnv)
	if err != nil {
		return err
	}
	s.Env = texts(env)
	if !c.IsSet("cwd") {
		return nil
	}
	dir := c.String("cwd")
	if dir == "" {
		return usagef("cannot use --cwd: it is empty")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return usagef("cannot use --cwd %q: %v", c.String("cwd"), err)
	}
	s.Cwd = api.Text(dir)
	return nil
}

func (s *submission) readTimeout(c *cli.Context) error {
	if c.String("timeout") == unlimited {
		s.Timeout = new(api.Seconds)
		return nil
	}
	timeout, given, err := durationFlag(c, "timeout")
	switch {
	case err != nil || !given:
		return err
	case timeout == 0:
		return usagef("cannot use --timeout %q: no command ends in no time; unlimited is no limit", c.String("timeout"))
	}
	s.Timeout = (*api.Seconds)(&timeout)
	return nil
}

func (s *submission) readTimes(c *cli.Context) error {
	if err := s.readTimeout(c); err != nil {
		return err
	}
	backoff, given, err := durationFlag(c, "backoff")
	if given {
		s.Backoff = (*api.Seconds)(&backoff)
	}
	if err == nil {
		s.Retries, err = countFlag(c, "retries", 0, octaskly.MaxRetries)
	}
	return err
}

func (s *submission) readRoom(c *cli.Context) error {
	if text := c.String("cpus"); c.IsSet("cpus") {
		cpus, err := units.ParseCPUs(text)
		if err != nil {
			return badFlag("cpus", err)
		}
		s.CPUs = float64(cpus) / float64(units.CPU)
	}
	return nil
}

// readArray reads RANGES[%N].
func (s *submission) readArray(c *cli.Context) error {
	if !c.IsSet("array") {
		return nil
	}
	ranges, atOnce, limited := strings.Cut(c.String("array"), "%")
	if limited {
		n, err := strconv.Atoi(atOnce)
		if err != nil || n < 1 {
			return usagef("cannot use --array %q: after %% comes how many run at a time, from 1", c.String("array"))
		}
		s.AtOnce = n
	}
	if c.IsSet("each-line") {
		if ranges != "" || !limited {
			return usagef("cannot use --array %q with --each-line, whose lines are the elements; --array %%4 runs 4 at a time", c.String("array"))
		}
		return nil
	}
	set, err := octaskly.ParseRanges(ranges)
	if err != nil {
		return withHint(badFlag("array", err), "write it as in 0-99, 0-99:2, 1-5,9 or 0-999%%4")
	}
	if n := set.Count(); n > octaskly.MaxElements {
		return usagef("cannot use --array %q: it has %d elements, %d are allowed", ranges, n, octaskly.MaxElements)
	}
	s.Array = set.String()
	return nil
}

// check finds what the dispatcher would refuse before anything is sent.
func (s *submission) check(*cli.Context) error {
	spec := octaskly.Spec{
		Argv: strs(s.Argv), Env: strs(s.Env), Dir: string(s.Cwd), Retries: s.Retries,
		Limits: limitsOf(&s.Submission),
	}
	if s.Timeout != nil {
		spec.Timeout = time.Duration(*s.Timeout)
	}
	return spec.Check()
}
