package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/backup"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/statedir"
	"github.com/octaskly/octaskly/internal/units"
)

func backupCommand() *cli.Command {
	return &cli.Command{
		Name:  "backup",
		Usage: "write all that the dispatcher keeps into FILE, while it runs or not",
		Description: "Copies the database, inputs and outputs into one tar archive, which must not be there yet. What was\n" +
			"accepted before it begins is in it. The fleet key is not: keep that apart.",
		ArgsUsage: "FILE",
		Flags:     stateFlags(),
		Action: func(c *cli.Context) error {
			file, stateDir, err := backupWords(c)
			if err != nil {
				return err
			}
			s, err := backup.Write(c.Context, stateDir, file, version)
			if err != nil {
				return err
			}
			tell(c.App.ErrWriter, "backed up", s)
			fmt.Fprintln(c.App.ErrWriter, "octasklyd: the fleet key is not in the backup; keep a copy of it apart")
			return nil
		},
	}
}

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name:  "restore",
		Usage: "make what a backup holds the state of a dispatcher that has none",
		Description: "Unpacks a backup into the state directory, which must not have a database. What workers still run for\n" +
			"the dispatcher that was backed up is stopped when they connect, and runs again: what was done since\n" +
			"then is not known. Ids of new tasks begin 1,000,000 later, so that none is given out twice. Tokens that were\n" +
			"revoked since then would be good again: all logins end, and without --keep-tokens all machine tokens and\n" +
			"the certificates of workers, which join anew.",
		ArgsUsage: "FILE",
		Flags:     append(stateFlags(), &cli.BoolFlag{Name: "keep-tokens", Usage: "keep machine tokens and certificates of workers, also those that were revoked since", DisableDefaultText: true}),
		Action: func(c *cli.Context) error {
			file, stateDir, err := backupWords(c)
			if err != nil {
				return err
			}
			if err := backup.Look(file); err != nil { // before a state directory is made for nothing
				return err
			}
			dir, err := statedir.OpenFor(stateDir)
			if errors.Is(err, statedir.ErrInUse) {
				return fmt.Errorf("cannot restore to %q: a dispatcher is using it; stop that first", stateDir)
			}
			if err != nil {
				return err
			}
			defer dir.Close()
			s, err := backup.Restore(c.Context, file, stateDir, c.Bool("keep-tokens"))
			if err != nil {
				return err
			}
			tell(c.App.ErrWriter, "restored", s)
			fmt.Fprintf(c.App.ErrWriter, "octasklyd: %s; passwords, roles and who is disabled are those of then\n", ending(s, c.Bool("keep-tokens")))
			fmt.Fprintf(c.App.ErrWriter, "octasklyd: the backup is of %s; put the fleet key back where it was, or workers cannot join\n", s.At.Local().Format(time.RFC3339))
			return nil
		},
	}
}

// stateFlags say which state directory is meant.
func stateFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "state-dir", Usage: "the dispatcher's state is in `DIR`"},
		&cli.StringFlag{Name: "config", Usage: "read `FILE` instead of the usual files"},
	}
}

// backupWords are the file that is named, and the state directory.
func backupWords(c *cli.Context) (file, stateDir string, err error) {
	if c.Lineage()[1].NumFlags() > 0 {
		return "", "", usageError{fmt.Errorf("flags of %s stand after that word", c.Command.Name)}
	}
	if c.NArg() != 1 {
		return "", "", usageError{errors.New("name one file, after all flags")}
	}
	loaded, err := configOf(c)
	if err != nil {
		return "", "", err
	}
	if file = c.Args().First(); file == "-" {
		return "", "", usageError{fmt.Errorf("%s needs a file that can be read from its beginning and its end, no stream; name one", c.Command.Name)}
	}
	return file, loaded.StateDir, nil
}

// configOf is that of the dispatcher which stateFlags mean.
func configOf(c *cli.Context) (*config.Dispatcher, error) {
	src := config.Sources{File: c.String("config"), Flags: map[string]string{}}
	if c.IsSet("state-dir") {
		src.Flags["state_dir"] = c.String("state-dir")
	}
	if c.IsSet("join-key-file") {
		src.Flags["join_key_file"] = c.String("join-key-file")
	}
	loaded, err := config.LoadDispatcher(src)
	if err != nil {
		return nil, fmt.Errorf("cannot use the configuration:\n%w", err)
	}
	return loaded, nil
}

// ending says whom a dispatcher that was restored lets in no longer.
func ending(s *backup.Summary, keep bool) string {
	if keep {
		return fmt.Sprintf("when the dispatcher starts, %d logins end: log in again; %d machine tokens stay good, also those that were revoked since: octasklyctl token revoke; so do the certificates of workers: octasklyctl worker remove", s.Logins, s.Tokens)
	}
	return fmt.Sprintf("when the dispatcher starts, %d logins and %d machine tokens end: log in again, and make machine tokens anew, or restore with --keep-tokens; workers join anew, by the fleet key by themselves, else by an approval", s.Logins, s.Tokens)
}

func tell(to io.Writer, done string, s *backup.Summary) {
	fmt.Fprintf(to, "octasklyd: %s a database of %s, and %d inputs and outputs of %s\n",
		done, units.Size(s.Database).Human(), s.Files, units.Size(s.Size).Human())
}
