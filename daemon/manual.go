package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/manual"
)

// manualPages makes the pages, by the names of their files.
var manualPages = map[string]func(*cli.App) (*manual.Page, error){
	"octasklyd.8":     daemonPage,
	"octaskly.toml.5": configPage,
}

func manualCommand() *cli.Command {
	return &cli.Command{
		Name:      "manual",
		Usage:     "print a manual page, octasklyd(8) or octaskly.toml(5), as roff",
		ArgsUsage: "octasklyd.8|octaskly.toml.5",
		Hidden:    true,
		Action: func(c *cli.Context) error {
			page, ok := manualPages[c.Args().First()]
			if !ok || c.NArg() != 1 {
				return usageError{errors.New("cannot tell which manual page; want octasklyd.8 or octaskly.toml.5")}
			}
			p, err := page(c.App)
			if err != nil {
				return err
			}
			return p.Write(c.App.Writer)
		},
	}
}

// newPage is what both pages have in common.
func newPage(name string, number int, about string) (*manual.Page, error) {
	date, err := manual.SourceDate()
	return &manual.Page{Name: name, Number: number, About: about, Source: "octaskly " + version, Date: date}, err
}

func daemonPage(app *cli.App) (*manual.Page, error) {
	p, err := newPage("octasklyd", 8, "the daemon of octaskly: dispatcher, worker or executor")
	if err != nil {
		return nil, err
	}
	if err := addDefaults(app); err != nil {
		return nil, err
	}
	lift(app, dirs.Dispatcher)
	lift(app, dirs.Worker)
	p.Manual, p.App, p.Description, p.Sections = "System Administration", app, daemonDescription, daemonSections
	return p, nil
}

// lift puts the commands below a role beside it, since that does something itself:
// the page has no place for a command that others are below.
func lift(app *cli.App, role dirs.Role) {
	at := slices.IndexFunc(app.Commands, func(c *cli.Command) bool { return c.Name == string(role) })
	below := app.Commands[at].Subcommands
	app.Commands[at].Subcommands = nil
	for _, c := range below {
		c.Name = string(role) + " " + c.Name
	}
	app.Commands = slices.Insert(app.Commands, at+1, below...)
}

// addDefaults tells the flags of the roles their defaults, which stand in the
// configuration.
func addDefaults(app *cli.App) error {
	for _, role := range dirs.Roles {
		defaults, err := defaultsOf(role)
		if err != nil {
			return err
		}
		for _, f := range app.Command(string(role)).Flags {
			if f, ok := f.(*cli.StringFlag); ok { // no switch, see configFlags
				f.DefaultText = strings.NewReplacer("ROLE", string(role), `"`, "").Replace(defaults[f.Name].text)
			}
		}
	}
	return nil
}

const daemonDescription = `
octasklyd is the daemon of octaskly, which makes one queue of commands of the Linux machines that a team has. Its first word says in which role it runs:

*dispatcher*::
One for all machines. It accepts commands from octasklyctl(1), keeps them in a database on disk, decides which worker runs them, and keeps their results. What it has accepted survives a crash, its own or the machine's.

*worker*::
One on each machine that runs commands. It connects to the dispatcher and says how much room there is. Typed in a terminal it runs the commands itself; with --executor it has no privileges, runs nothing, and passes them on.

*executor*::
One on each machine, as root, without any network. It starts commands for the worker on its machine, each in a control group and, but for sandbox level none, in a box of its own, watches them, enforces their limits, and keeps their output and how they ended while nobody asks.

Every role is configured by flags, by the environment and by files, in this order of precedence; octaskly.toml(5) tells all about it. With octasklyd config check one sees what is wrong with a configuration.

An executor, or a worker without one, tries every sandbox level and every limit when it starts, and offers what has held. *octasklyd worker selftest* tells what that was, and what to do about the rest. Boxes take root's rights and cgroup2 with its controllers; the worker of an ordinary user offers level none.

A worker joins its dispatcher by the fleet key, by an invite, or by an approval; see JOINING. From then on both show each other certificates of the fleet's own authority before anything else is said, and all that is said is encrypted (TLS 1.3).
`

var daemonSections = []manual.Section{
	{Title: "BACKUP AND DAMAGE", Text: daemonBackup},
	{Title: "DISCOVERY", Text: daemonDiscovery},
	{Title: "JOINING", Text: daemonJoining},
	{Title: "LINKS", Text: daemonLinks},
	{Title: "METRICS", Text: daemonMetrics},
	{Title: "SIGNALS", Text: daemonSignals},
	{Title: "SYSTEMD", Text: daemonSystemd},
	{Title: "EXIT STATUS", Text: daemonExit},
	{Title: "ENVIRONMENT", Text: daemonEnvironment},
	{Title: "FILES", Text: daemonFiles},
	{Title: "EXAMPLES", Text: daemonExamples},
	{Title: "SEE ALSO", Text: "octasklyctl(1), octaskly.toml(5), systemd.service(5), journalctl(1), cgroups(7)"},
}

const daemonBackup = `
*octasklyd dispatcher backup* writes the database, inputs and long outputs of a dispatcher into one file, whether or not the dispatcher runs. What was accepted before it began is in the file. The fleet key is not in it: keep a copy of that apart, where few can read it.

*octasklyd dispatcher restore* makes what such a file holds the state of a dispatcher that has no database. Tasks that had ended stay so, and those that had not run again, even those that have ended since: nobody knows any more. Workers stop, when they connect, what they still run for the dispatcher that was backed up. Ids of new tasks begin 1,000,000 later, so that none is given out twice. What was revoked since the backup is not known either: when the dispatcher starts, all logins end and it signs with a new key, and machine tokens end, too, with the certificates and invites of workers, unless they are kept by *--keep-tokens*: workers join anew, by the fleet key by themselves, else by an approval. Passwords are those of then. The same goes for a database that was copied by hand, whose machine tokens and certificates end, too.

A database that is copied to another file is taken for a copy in the same way, and so is one that is moved to another machine or file system: the dispatcher says so in its log when it starts. To move one, drain the workers first (and restore a backup with *--keep-tokens*, so that machine tokens stay good), so that nothing runs that would have to run again. Renaming directories changes nothing. Never copy the database of a dispatcher that runs but with *octasklyd dispatcher backup*, and never over one that is there.

The dispatcher looks whether its database is sound when it starts: at what is quick to see before it serves, and at all of it meanwhile. Where the file is damaged, by a disk or by another program, it sets it aside, makes a new database of every row that can still be read, and goes on by itself. It says what was lost in its log, and *octasklyctl stats* says so for 30 days. A task of which nothing is known any more runs again, unless a result tells how it has ended. What workers ran is stopped and runs again. The latest 3 damaged databases are kept, as _octaskly.db.damaged-TIME_, until an operator removes them.
`

const daemonMetrics = `
A dispatcher and a worker tell Prometheus at _/metrics_ what they count, by their sockets and where *http_listen* says; the role dispatcher is the least that may ask. The examples have a configuration for scraping, alerts and a board: _/usr/share/doc/octaskly/examples_.

At the door of a worker the tokens of its dispatcher are good. The worker asks the dispatcher about each request, which therefore is answered with status 503 while there is no session; its Unix socket answers all the same.
`

const daemonSignals = `
*SIGTERM*, *SIGINT*::
The daemon stops in good order; a second one ends it at once. Commands do not notice that a dispatcher stops, nor a worker that has an executor. An executor, or a worker without one, stops its commands: SIGTERM, the time that *grace* gives, SIGKILL. The dispatcher has them run again elsewhere.

*SIGHUP*::
A dispatcher or worker reads its configuration again and takes *log_level* from it, a dispatcher *[join]*, too; all else counts from the next start. An executor executes itself anew in its place, with the program and the configuration that are there now, and tries its levels and limits again; its commands go on.
`

const daemonSystemd = `
The packages bring a unit for each role, and enable none:

*octasklyd-dispatcher.service*::
as user *octaskly*; its socket is _/run/octaskly/dispatcher.sock_

*octasklyd-worker.service*::
as user *octaskly-worker*; its socket is _/run/octaskly/worker.sock_

*octasklyd-executor.service*::
as root; the worker's unit brings it along

*octasklyd-key.service*::
makes _/etc/octaskly/fleet.key_ where there is none; the dispatcher's unit brings it along

All lie in *octaskly.slice*. Members of the group *octaskly* may use the sockets of dispatcher and worker, and so octasklyctl(1). Stopping the worker's unit leaves its commands running; stopping the executor's stops the worker, too, and ends them. systemd keeps the sockets of dispatcher and worker, so that octasklyctl(1) starts again what was stopped alone: to keep it down, stop its socket unit as well, or *octaskly.slice* for all.

A daemon tells systemd when it serves and what it waits for, and that it is alive (sd_notify(3)). It takes sockets that systemd opened by their names: *control* is the one for octasklyctl, *workers* a TCP socket for workers, *executor* the one for the worker.

Entries in the journal that are about a task have the fields *OCTASKLY_TASK*, *OCTASKLY_JOB*, *OCTASKLY_WORKER* and *OCTASKLY_EVENT*; *journalctl OCTASKLY_TASK=42* tells the story of task 42.
`

const daemonExit = `
*0*::
stopped in good order, or done

*1*::
it could not be done

*2*::
the command line makes no sense

*69*::
of *octasklyd worker selftest*: no worker answers, or it has no executor
`

const daemonEnvironment = `
*OCTASKLY_*_KEY_::
a value for a key of the configuration, see octaskly.toml(5)

*OCTASKLY_CONFIG_DIR*::
directory of the configuration files

*STATE_DIRECTORY*, *RUNTIME_DIRECTORY*, *CONFIGURATION_DIRECTORY*::
directories that systemd gives, see systemd.exec(5)

*CREDENTIALS_DIRECTORY*::
directory of credentials that systemd gives; *fleet.key* in it is the fleet key unless *join_key_file* says otherwise, and *invite* a worker's invite unless *invite_file* does

*XDG_STATE_HOME*, *XDG_RUNTIME_DIR*, *XDG_CONFIG_HOME*, *HOME*::
where state, sockets and configuration of an ordinary user's daemons lie
`

const daemonFiles = `
_/etc/octaskly/fleet.key_::
the fleet key, and below it former ones, for root alone; workers whose machines have a copy join without an approval

_/etc/octaskly/invite_::
an invite for the worker of this machine, as *octasklyctl worker invite* prints it, for root alone

_/etc/octaskly/ROLE.toml_, _/etc/octaskly/ROLE.d/*.toml_::
configuration, see octaskly.toml(5)

_/var/lib/octaskly/ROLE_::
what must outlive the daemon: database and output of the dispatcher, records and workspaces of the executor

_/var/lib/octaskly/executor/work/kept/TASK.ATTEMPT_::
workspaces of tasks that were to be kept, the newest 32, for root; where workspaces lie in a pool image, they go with it when the executor stops

_/usr/libexec/octaskly/octaskly-init_::
the program that builds a box from inside; nobody else need start it

_/run/octaskly/ROLE.sock_::
where octasklyctl(1) reaches dispatcher and worker, and the worker its executor

_~/.local/state/octaskly_, _$XDG_RUNTIME_DIR/octaskly_, _~/.config/octaskly_::
the same for daemons that an ordinary user runs
`

const daemonExamples = `
Try it on one machine, as any user, each in a terminal of its own; the worker finds the dispatcher:

    octasklyd dispatcher
    octasklyd worker
    octasklyctl run -- uname -a

Add a worker on another machine; with the key it finds the dispatcher on the same network, and elsewhere takes --dispatcher HOST:7878 as well:

    scp HOST:.local/state/octaskly/dispatcher/fleet.key fleet.key
    octasklyd worker --join-key-file fleet.key

The same from packages, first on the dispatcher's machine, then on that of a worker:

    systemctl enable --now octasklyd-dispatcher

    systemctl enable --now octasklyd-worker
    systemctl status octasklyd-worker

and what that says then on the dispatcher's:

    octasklyctl worker approve NAME 483-112

See which dispatchers a machine hears, and name one that it does not:

    octasklyctl discover
    echo 'dispatcher = "HOST:7878"' > /etc/octaskly/worker.d/dispatcher.toml

See which sandbox levels and limits a worker's machine can enforce:

    octasklyd worker selftest

Back up a dispatcher while it runs, and restore that on another machine:

    octasklyd dispatcher backup /backup/octaskly-monday.tar

    install -d -o octaskly -g octaskly -m 700 /var/lib/octaskly/dispatcher
    octasklyd dispatcher restore /backup/octaskly-monday.tar

Give the fleet another authority, while it works:

    octasklyd dispatcher rotate
    systemctl reload octasklyd-dispatcher

See what a daemon would do with its configuration:

    octasklyd config check worker
    octasklyd config show worker
`
