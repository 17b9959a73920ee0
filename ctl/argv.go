package main

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// commandLine is argv taken apart. urfave/cli wants a command's flags between
// its name and its words, and would take the flags of a command to run for
// ours; people write them where they like. So argv is read here, by our rules:
//
//   - Flags stand anywhere: before or after the command's name and its words.
//   - "--" ends the flags. What follows are words.
//   - The first word of run and submit begins the command to run, and all that
//     follows belongs to it as it stands.
type commandLine struct {
	path  []*cli.Command // as in "worker ls"
	uses  []flagUse
	words []string
	help  bool // asked for by -h, --help or "help COMMAND"
}

// meantWith says which command of a group is meant when the group stands alone.
var meantWith = map[string]string{"audit": "ls"}

// flagUse is one flag as it was given. Its flag is only settled when the command
// is known.
type flagUse struct {
	name  string // as typed, without dashes
	value string
}

// leaf is the command as far as it is known, or nil.
func (l *commandLine) leaf() *cli.Command {
	if len(l.path) == 0 {
		return nil
	}
	return l.path[len(l.path)-1]
}

// name is the command as it is typed, such as "worker ls".
func (l *commandLine) name() string {
	names := make([]string, len(l.path))
	for i, cmd := range l.path {
		names[i] = cmd.Name
	}
	return strings.Join(names, " ")
}

// has reports whether the flag of that name was given.
func (l *commandLine) has(name string) bool {
	return slices.ContainsFunc(l.uses, func(use flagUse) bool { return use.name == name })
}

// verbatim reports whether the words of cmd are a command to run.
func verbatim(cmd *cli.Command) bool {
	return cmd != nil && (cmd.Name == "run" || cmd.Name == "submit")
}

// lineReader reads argv once, from left to right.
type lineReader struct {
	app  *cli.App
	rest []string
	commandLine
}

// readLine takes argv apart. Its errors are *usageError; for a flag at the end
// that lacks its value, *valueError.
func readLine(app *cli.App, argv []string) (*commandLine, error) {
	r := &lineReader{app: app, rest: argv}
	for len(r.rest) > 0 {
		if err := r.step(); err != nil {
			return &r.commandLine, err
		}
	}
	return &r.commandLine, r.settle()
}

func (r *lineReader) next() string {
	arg := r.rest[0]
	r.rest = r.rest[1:]
	return arg
}

func (r *lineReader) step() error {
	arg := r.next()
	switch {
	case arg == "--":
		for len(r.rest) > 0 {
			if err := r.word(r.next()); err != nil {
				return err
			}
		}
		return nil
	case strings.HasPrefix(arg, "--"):
		return r.long(arg[2:])
	case len(arg) > 1 && arg[0] == '-':
		return r.short(arg[1:])
	}
	return r.word(arg)
}

// word takes the next part of the command's name, or a word of the command.
func (r *lineReader) word(arg string) error {
	cmd := r.leaf()
	switch {
	case cmd == nil && arg == "help":
		r.help = true
	case cmd == nil || len(cmd.Subcommands) > 0:
		next := find(subcommands(r.app, cmd), arg)
		if next == nil {
			return r.unknownCommand(arg)
		}
		r.path = append(r.path, next)
	case verbatim(cmd):
		r.words = append([]string{arg}, r.rest...)
		r.rest = nil
	default:
		r.words = append(r.words, arg)
	}
	return nil
}

// long reads --name, --name=value and --name value.
func (r *lineReader) long(arg string) error {
	name, value, given := strings.Cut(arg, "=")
	if len(name) < 2 { // or it would be taken for -n
		return withHint(usagef("unknown flag --%s", name), "%s", r.aboutFlags("--"+name, true))
	}
	return r.flag(name, value, given)
}

// short reads -f, -af, -o=json, -ojson and -o json.
func (r *lineReader) short(cluster string) error {
	for rest := cluster; rest != ""; {
		_, size := utf8.DecodeRuneInString(rest)
		name, after := rest[:size], rest[size:]
		flag := r.lookup(name)
		if flag == nil {
			return r.unknownShort(name, cluster)
		}
		value, given := strings.CutPrefix(after, "=")
		given = given || flag.TakesValue() && after != ""
		if err := r.flag(name, value, given); err != nil || given {
			return err
		}
		rest = after
	}
	return nil
}

func (r *lineReader) flag(name, value string, given bool) error {
	flag := r.lookup(name)
	switch {
	case name == "help" || name == "h":
		r.help = true
		return nil
	case flag == nil:
		return r.unknownFlag(name)
	case !flag.TakesValue() && !given:
		value = "true"
	case !flag.TakesValue():
		if _, err := strconv.ParseBool(value); err != nil {
			return usagef("flag %s takes no value, and %q is neither true nor false", dashed(name), value)
		}
	case !given:
		var err error
		if value, err = r.value(name); err != nil {
			return err
		}
	}
	r.uses = append(r.uses, flagUse{name, value})
	return nil
}

// value takes the next argument for the flag name. One that is a flag itself
// was most likely not meant as a value.
func (r *lineReader) value(name string) (string, error) {
	if len(r.rest) == 0 {
		return "", &valueError{name}
	}
	arg := r.next()
	long, isLong := strings.CutPrefix(arg, "--")
	long, _, _ = strings.Cut(long, "=")
	if isLong && (long == "" || r.lookup(long) != nil) {
		return "", withHint(&valueError{name}, "write %s=%s if that is its value", dashed(name), arg)
	}
	return arg, nil
}

// settle makes sure that the command knows the flags that were given, also
// those before its name.
func (r *lineReader) settle() error {
	if r.leaf() == nil {
		return nil
	}
	if word := meantWith[r.name()]; word != "" && !r.help {
		r.path = append(r.path, find(r.leaf().Subcommands, word))
	}
	for _, use := range r.uses {
		if findFlag(r.leaf().Flags, use.name) == nil && findFlag(r.app.Flags, use.name) == nil {
			return r.unknownFlag(use.name)
		}
	}
	return nil
}

// args is the line as urfave/cli wants it.
func (l *commandLine) args(app *cli.App) []string {
	global, own := []string{app.Name}, []string{}
	for _, cmd := range l.path {
		own = append(own, cmd.Name)
	}
	for _, use := range l.uses {
		if flag := findFlag(flagsOf(l.leaf()), use.name); flag != nil {
			own = append(own, canonical(flag, use))
		} else if flag := findFlag(app.Flags, use.name); flag != nil {
			global = append(global, canonical(flag, use))
		}
	}
	return append(append(append(global, own...), "--"), l.words...)
}

// canonical writes a use by the flag's first name: cli refuses a mixture.
func canonical(flag cli.DocGenerationFlag, use flagUse) string {
	return "--" + flag.Names()[0] + "=" + use.value
}
