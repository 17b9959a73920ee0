package main

import (
	"slices"

	"github.com/urfave/cli/v2"
)

// subcommands are the commands that may follow cmd, or the first word if nil.
func subcommands(app *cli.App, cmd *cli.Command) []*cli.Command {
	if cmd == nil {
		return app.Commands
	}
	return cmd.Subcommands
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, cmd := range commands {
		if cmd.HasName(name) {
			return cmd
		}
	}
	return nil
}

// leaves are all commands that do something.
func leaves(commands []*cli.Command) []*cli.Command {
	var all []*cli.Command
	for _, cmd := range commands {
		if len(cmd.Subcommands) == 0 {
			all = append(all, cmd)
		}
		all = append(all, leaves(cmd.Subcommands)...)
	}
	return all
}

func flagsOf(cmd *cli.Command) []cli.Flag {
	if cmd == nil {
		return nil
	}
	return cmd.Flags
}

func findFlag(flags []cli.Flag, name string) cli.DocGenerationFlag {
	for _, flag := range flags {
		if slices.Contains(flag.Names(), name) {
			return flag.(cli.DocGenerationFlag)
		}
	}
	return nil
}

// lookup finds a flag: of the command where it is known, of all, or of any
// other command, since the command's name may still follow. Whether a flag takes
// a value does not depend on its command; a test sees to that.
func (r *lineReader) lookup(name string) cli.DocGenerationFlag {
	if name == "help" || name == "h" {
		return helpFlag
	}
	if flag := findFlag(flagsOf(r.leaf()), name); flag != nil {
		return flag
	}
	if flag := findFlag(r.app.Flags, name); flag != nil {
		return flag
	}
	for _, cmd := range leaves(r.app.Commands) {
		if flag := findFlag(cmd.Flags, name); flag != nil {
			return flag
		}
	}
	return nil
}

// helpFlag is read by us and never reaches cli, whose own help would take the
// word "help" for a command of every command.
var helpFlag = &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "tell what a command does and takes"}

// dashed writes a flag as it is typed.
func dashed(name string) string {
	if len([]rune(name)) == 1 {
		return "-" + name
	}
	return "--" + name
}
