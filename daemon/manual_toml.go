package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/manual"
)

func configPage(*cli.App) (*manual.Page, error) {
	p, err := newPage("octaskly.toml", 5, "configuration of octaskly's daemons")
	if err != nil {
		return nil, err
	}
	p.Manual, p.Synopsis, p.Description = "File Formats", configSynopsis, configDescription
	p.Sections, err = keySections()
	p.Sections = append(p.Sections,
		manual.Section{Title: "VALUES", Text: configValues},
		manual.Section{Title: "FILES", Text: configFiles},
		manual.Section{Title: "EXAMPLES", Text: configExamples},
		manual.Section{Title: "SEE ALSO", Text: "octasklyd(8), octasklyctl(1), systemd.exec(5), https://toml.io"},
	)
	return p, err
}

// keySections explains all keys, first those that every role has.
func keySections() ([]manual.Section, error) {
	common := config.Keys(dirs.Roles[0])
	for _, role := range dirs.Roles[1:] {
		common = slices.DeleteFunc(common, func(key string) bool { return !slices.Contains(config.Keys(role), key) })
	}
	text, err := keyTexts(dirs.Roles[0], common)
	sections := []manual.Section{{Title: "KEYS OF EVERY ROLE", Text: text}}
	for _, role := range dirs.Roles {
		if err != nil {
			return nil, err
		}
		own := slices.DeleteFunc(config.Keys(role), func(key string) bool { return slices.Contains(common, key) })
		text, err = keyTexts(role, own)
		sections = append(sections, manual.Section{Title: "KEYS OF THE " + strings.ToUpper(string(role)), Text: text})
	}
	return sections, err
}

// keyTexts is an item for each key.
func keyTexts(role dirs.Role, keys []string) (string, error) {
	defaults, err := defaultsOf(role)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, key := range keys {
		text.WriteString(keyText(defaults[config.FlagName(key)]))
	}
	return text.String(), nil
}

func keyText(b builtIn) string {
	words := []string{manual.Sentence(strings.ReplaceAll(flagHelp[b.key], "`", "_"))}
	if note := keyNotes[b.key]; note != "" {
		words = append(words, note)
	}
	if span, ok := keyRanges[b.key]; ok {
		words = append(words, "From *"+span[0]+"* to *"+span[1]+"*.")
	}
	preset := b.text
	if hostDefaults[b.key] == "" {
		preset = "*" + b.text + "*"
	}
	words = append(words, "Default: "+preset+".")
	return "*" + b.key + "* = " + valueForm(b) + "::\n" + strings.Join(words, "\n") + "\n\n"
}

// valueForm is how a value is written in a file: "_SIZE_", _N_.
func valueForm(b builtIn) string {
	_, rest, _ := strings.Cut(flagHelp[b.key], "`")
	name, _, _ := strings.Cut(rest, "`")
	switch b.value[0] {
	case '"':
		return `"_` + name + `_"`
	case 't', 'f':
		return "*true* or *false*"
	case '[':
		return `["_` + strings.TrimSuffix(name, "S") + `_", …]`
	}
	return "_" + name + "_"
}

const configSynopsis = `
_/etc/octaskly/dispatcher.toml_, _/etc/octaskly/dispatcher.d/*.toml_

_/etc/octaskly/worker.toml_, _/etc/octaskly/worker.d/*.toml_

_/etc/octaskly/executor.toml_, _/etc/octaskly/executor.d/*.toml_
`

const configDescription = `
These files configure octasklyd(8), a role each. They are TOML. No key has to be given, and a file may be missing.

A value comes from the first of these that has one:

*flags*::
as in --limits-lease 1m

*environment*::
as in *OCTASKLY_LIMITS_LEASE=1m*; an empty variable counts as unset

*drop-ins*::
the files in the role's directory whose names end in *.toml*, in the order of their names, of which a later one wins; hidden files are left out

*file*::
the role's file

*built in*::
the defaults below

The name of a flag is that of the key with hyphens for underscores and dots; that of a variable is in capitals, with an underscore for each dot. A key such as *limits.lease* may also be written as *lease* in the table *[limits]*. A list is an array in a file; in a flag or a variable, colons stand between its items. A key that is true or false has a flag that stands alone, or with =false.

With --config _FILE_ that file is read instead of the role's file and its drop-ins, and has to exist.

Nothing is ignored: a key that there is not, a value of the wrong type or out of range is an error. To see all of them with file and line, without starting anything, there is *octasklyd config check* _ROLE_. What *octasklyd config show* _ROLE_ prints is every value and where it is from, as a file that gives the same.

A change counts from the next start on. On SIGHUP a dispatcher or worker takes over *log_level*, a dispatcher the table *[join]*, too, which counts for all who come from then on, and an executor all.
`

const configValues = `
_SIZE_::
Bytes, or with a unit, as a string: *"512M"*, *"1.5GiB"*. K, M, G and T, with or without iB, are powers of 1024; KB, MB, GB and TB are powers of 1000.

_DURATION_::
Seconds, or a string with units from ns to w: *90*, *"1h30m"*, *"250ms"*, *"2d"*.

_DIR_, _FILE_, _PATH_::
An absolute path; relative ones are for the command line.

_USER_::
The name of a user.

_UID_::
The number of a user.

_HOST:PORT_::
Such as *"192.0.2.7:7878"*, *"[2001:db8::7]:7878"* or *"queue.example:7878"*.

_N_::
A number.
`

const configFiles = `
_/etc/octaskly/_::
configuration of root's daemons and of systemd's

_$XDG_CONFIG_HOME/octaskly/_, _~/.config/octaskly/_::
configuration of daemons that an ordinary user runs

_$OCTASKLY_CONFIG_DIR_::
comes before all others where it is set

Their names and what is in them are the same everywhere.
`

const dispatcherExample = `
    # /etc/octaskly/dispatcher.toml
    listen = "192.0.2.7:7878"
    fleet  = "laboratory"

    [limits]
    max_output = "256MiB"
    lease      = "2m"
`

const workerExample = `
    # /etc/octaskly/worker.d/50-dispatcher.toml
    dispatcher = "192.0.2.7:7878"
`

const executorExample = `
    # /etc/octaskly/executor.d/50-room.toml
    slots       = 8
    memory      = "24GiB"
    disk_pool   = "200GiB"
    directories = ["/srv/jobs", "/scratch"]
`

const configExamples = `
A dispatcher with room for long output, whose workers may be away for a while:
` + dispatcherExample + `
Drop-ins of another machine: where its worker finds that dispatcher,
` + workerExample + `
and an executor that keeps back a part of the machine, and most of its directories:
` + executorExample
