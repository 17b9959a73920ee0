package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/security"
)

func keyCommand() *cli.Command {
	return &cli.Command{
		Name:   "key",
		Usage:  "make the key that a dispatcher and its workers share, and others after it",
		Action: onlyHelp,
		Subcommands: []*cli.Command{{
			Name:      "create",
			Usage:     "make a key file for its owner alone, unless it is there",
			ArgsUsage: "FILE",
			Action:    onKeyFile("make a key", createKey),
		}, {
			Name:  "rotate",
			Usage: "put another key into a dispatcher's key file, before those that are there",
			Description: "It counts when the dispatcher starts the next time. Each key before lets workers in as well, and invites\n" +
				"that it has made, for 31 days from when another took its place, and opens what it has sealed as long as\n" +
				"its line is in the file, which has eight: then the last that is over gives way. With --distrust, for when\n" +
				"others may know them, they let nobody in any more.\n" +
				"Workers that have joined go on by their certificates, whatever key they have; should some have joined\n" +
				"who must not, octasklyd dispatcher rotate --distrust comes next, and one start of the dispatcher for both.",
			ArgsUsage: "FILE",
			Flags:     []cli.Flag{&cli.BoolFlag{Name: "distrust", Usage: "no former key lets anybody in any more", DisableDefaultText: true}},
			Action:    onKeyFile("rotate the key", rotateKey),
		}, {
			Name:      "list",
			Usage:     "list the keys in a key file by their fingerprints",
			ArgsUsage: "FILE",
			Action:    onKeyFile("list keys", listKeys),
		}},
	}
}

// onKeyFile is the action of a command that has a key file as its only argument.
func onKeyFile(what string, do func(c *cli.Context, path string) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		if c.NArg() != 1 {
			return usageError{fmt.Errorf("cannot %s: want octasklyd key %s [FLAG…] FILE, in this order", what, c.Command.Name)}
		}
		return orCreate(do(c, c.Args().First()))
	}
}

func createKey(c *cli.Context, path string) error {
	_, made, err := security.LoadOrCreateKeyFile(path)
	if err != nil {
		return err
	}
	if !made {
		fmt.Fprintf(c.App.ErrWriter, "octasklyd: there is a key in %q already\n", path)
		return nil
	}
	fmt.Fprintf(c.App.ErrWriter, "octasklyd: %q is made; copy it to the machines of all workers, at the same place\n", path)
	return nil
}

func rotateKey(c *cli.Context, path string) error {
	keys, err := security.RotateKeyFile(path, c.Bool("distrust"), time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "octasklyd: the next key is %s; it counts from the dispatcher's next start on: systemctl restart octasklyd-dispatcher\n", keys.Present())
	if former := keys.Former()[0]; time.Now().Before(former.Until) {
		fmt.Fprintf(c.App.ErrWriter, "octasklyd: %s lets workers in until %s; from that start on, copy the file to the machines that are to join\n", former.Key, localTime(former.Until))
	} else {
		fmt.Fprintln(c.App.ErrWriter, "octasklyd: the keys before only open what they have sealed; who has joined by them stays: octasklyctl worker remove ends one, and octasklyd dispatcher rotate --distrust, now, before that start, all")
	}
	return nil
}

func listKeys(c *cli.Context, path string) error {
	keys, err := security.LoadKeys(path)
	if err != nil {
		return err
	}
	return writeKeys(c.App.Writer, keys, time.Now())
}

func writeKeys(w io.Writer, keys security.Keys, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "KEY\tLETS WORKERS IN\n%s\tyes\n", keys.Present())
	for _, former := range keys.Former() {
		in := "no, since " + localTime(former.Until)
		if now.Before(former.Until) {
			in = "until " + localTime(former.Until)
		}
		fmt.Fprintf(table, "%s\t%s\n", former.Key, in)
	}
	return table.Flush()
}

func localTime(t time.Time) string { return t.Local().Format(time.RFC3339) }
