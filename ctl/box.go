package main

import (
	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// boxFlags say how a command is isolated.
func boxFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "sandbox", Usage: "isolate the command at `LEVEL`: " + either(levelNames()) + "; otherwise the dispatcher decides"},
		&cli.StringFlag{Name: "network", Usage: "`NETWORK` that it reaches: " + either(networks) + ", the machine's"},
		&cli.BoolFlag{Name: "keep-workspace", Usage: "keep what is in its workspace at the end, for the worker's operator"},
	}
}

// networks are what --network takes.
var networks = []string{api.NetworkNone, api.NetworkHost}

// levelNames are what --sandbox takes, the weakest first.
func levelNames() []string {
	names := make([]string, len(octaskly.Levels))
	for i, level := range octaskly.Levels {
		names[i] = level.String()
	}
	return names
}

func (s *submission) readBox(c *cli.Context) (err error) {
	s.KeepWorkspace = c.Bool("keep-workspace")
	if s.KeepWorkspace && s.Cwd != "" {
		return usagef("cannot use --keep-workspace with --cwd %q: then the workspace is not used", string(s.Cwd))
	}
	if s.Sandbox, err = wordFlag(c, "sandbox", levelNames()); err != nil {
		return err
	}
	s.Network, err = wordFlag(c, "network", networks)
	return err
}
