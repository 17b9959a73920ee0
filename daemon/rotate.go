package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/backup"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/security"
)

func rotateCommand() *cli.Command {
	return &cli.Command{
		Name:  "rotate",
		Usage: "give the fleet a new authority, while the dispatcher runs or not",
		Description: "Writes another authority into the state directory. It counts when the dispatcher reloads. Workers that\n" +
			"know the one before renew by themselves when they connect next, and have 31 days for that. Invites that\n" +
			"were made before are good no more, and clients of the REST API have to learn the new fingerprint.\n" +
			"After a theft of the state directory, --distrust ends the one before with the reload: workers that have the\n" +
			"fleet key, or a new invite, join anew by themselves; others show a code when their identity.pem is moved\n" +
			"away. Should others know the fleet key, too: first octasklyd key rotate --distrust, and a start for both.",
		Flags: append(stateFlags(), &cli.StringFlag{Name: "join-key-file", Usage: "the fleet key is in `FILE`"}, &cli.BoolFlag{Name: "distrust", Usage: "no former authority counts any more", DisableDefaultText: true}),
		Action: func(c *cli.Context) error {
			if c.Lineage()[1].NumFlags() > 0 {
				return usageError{fmt.Errorf("flags of %s stand after that word", c.Command.Name)}
			}
			if err := noArguments(c); err != nil {
				return err
			}
			loaded, err := configOf(c)
			if err != nil {
				return err
			}
			return rotate(loaded, c.Bool("distrust"), c.App.ErrWriter)
		},
	}
}

func rotate(c *config.Dispatcher, distrust bool, stderr io.Writer) error {
	keys, err := keysOfTool(c)
	if err != nil {
		return err
	}
	next, waits, err := turn(filepath.Join(c.StateDir, backup.Authority), keys.Vault(), distrust)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot rotate the authority of %q: there is none, and the dispatcher makes one when it starts; say with --state-dir where another dispatcher's state is", c.StateDir)
	}
	if err != nil {
		return fmt.Errorf("cannot rotate the authority: %w", err)
	}
	how := "reload on: systemctl reload octasklyd-dispatcher"
	if waits {
		how = "start on, as the fleet's next key does: systemctl restart octasklyd-dispatcher"
	}
	fmt.Fprintf(stderr, "octasklyd: the fleet's next authority is %s; it counts from the next %s\n", security.Fingerprint(next[0].Certificate()), how)
	if len(next) > 1 {
		fmt.Fprintf(stderr, "octasklyd: workers renew when they connect next, and have until %s for that\n", localTime(next[1].until))
	} else {
		fmt.Fprintln(stderr, "octasklyd: workers with the fleet key or a new invite join anew by themselves; on others stop the worker, move its identity.pem away and start it: it shows a code to approve")
		if !waits {
			fmt.Fprintln(stderr, "octasklyd: should others know the fleet key, too, let them not join anew: before that reload, octasklyd key rotate --distrust, and then restart in place of it")
		}
	}
	return nil
}

// turn has the file at path hold another authority, and returns what it holds, and whether
// the dispatcher is to start with another fleet key before it can read that.
func turn(path string, vault *security.Vault, distrust bool) (next []*authority, waits bool, err error) {
	err = security.WithLock(filepath.Dir(path), func() error {
		all, err := readAuthorities(path, vault)
		if err != nil {
			return err
		}
		waits = slices.ContainsFunc(all, isStale)
		if next, err = rotated(all, distrust, time.Now()); err != nil {
			return err
		}
		return writeAuthorities(path, vault, next)
	})
	return next, waits, err
}
