package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/manual"
)

// hidden are the commands that help and completion do not list: they are there
// only for whoever types their name.
func (s *session) hidden(argv []string) []*cli.Command {
	if slices.Contains(argv, "manual") {
		return []*cli.Command{s.manualCommand()}
	}
	return nil
}

func (s *session) manualCommand() *cli.Command {
	return &cli.Command{
		Name:        "manual",
		Usage:       "print the manual page, octasklyctl(1), as roff",
		Description: "Prints the source of the manual page octasklyctl(1), for those who make packages. With\nSOURCE_DATE_EPOCH in the environment, that is its date.",
		ArgsUsage:   "[FLAG…]",
		UsageText:   "octasklyctl manual | man -l -",
		Hidden:      true,
		HideHelp:    true,
		Action: func(c *cli.Context) error {
			if err := noWords(c); err != nil {
				return err
			}
			page, err := s.manualPage()
			if err != nil {
				return err
			}
			return page.Write(s.stdout)
		},
	}
}

func (s *session) manualPage() (*manual.Page, error) {
	date, err := manual.SourceDate()
	if err != nil {
		return nil, usagef("%v", err)
	}
	app := s.app()
	app.Flags = append([]cli.Flag{helpFlag}, app.Flags...)
	return &manual.Page{
		Name: "octasklyctl", Number: 1, About: "run commands on the Linux machines that a team has",
		Source: "octaskly " + version, Manual: "User Commands", Date: date,
		App: app, Description: manualDescription, Sections: manualSections,
	}, nil
}

const manualDescription = `
octasklyctl gives commands to octaskly, which runs them on the machines of a team where there is room, and gives back their output and exit code. It speaks to the dispatcher, octasklyd(8), over a Unix socket, or by HTTPS from elsewhere, see ACCESS.

What one submission queues is a job. It has one task, or with --array or --each-line one for each element; each execution of a task on a worker is an attempt. Once the id of a job is printed, the job is on the dispatcher's disk and survives a crash.

Flags may stand before or after the command's name and ids; -- ends them. The command to run begins at -- or at the first word of octasklyctl run and octasklyctl submit that is no flag, and all that follows belongs to it. It is run as it stands, without a shell, unless --shell is given.

stdout is data, stderr is talk. The standard output of octasklyctl run is the command's own, of octasklyctl submit the id and nothing else.
`

var manualSections = []manual.Section{
	{Title: "IDS", Text: manualIDs},
	{Title: "VALUES", Text: manualValues},
	{Title: "STATES", Text: manualStates},
	{Title: "WHERE COMMANDS RUN", Text: manualTask},
	{Title: "WHEN MACHINES FAIL", Text: manualOutages},
	{Title: "SANDBOX LEVELS", Text: manualLevels},
	{Title: "LIMITS", Text: manualLimits()},
	{Title: "ACCESS", Text: manualAccess},
	{Title: "TOP", Text: manualTop},
	{Title: "OUTPUT FORMATS", Text: manualFormats},
	{Title: "EXIT STATUS", Text: manualExit},
	{Title: "ENVIRONMENT", Text: manualEnvironment},
	{Title: "FILES", Text: manualFiles},
	{Title: "EXAMPLES", Text: manualExamples},
	{Title: "SEE ALSO", Text: "octasklyd(8), octaskly.toml(5), systemd-run(1), xargs(1), signal(7)"},
}

const manualIDs = `
An _ID_ names jobs or elements of one:

*42*::
a job

*42.7*::
the element with index 7 of an array job

*42.3-7,9*::
several elements

*1-10*::
jobs from 1 to 10, as far as there are any

*1-10:2,15*::
every second of them, and 15

*last*::
the latest job of yours

*all*::
all jobs of yours that are not over
`

const manualValues = `
_SIZE_::
Bytes, or with a unit: *512*, *64K*, *1.5GiB*. K, M, G and T, with or without iB, are powers of 1024; KB, MB, GB and TB are powers of 1000.

_TIME_::
Seconds, or with units from ns to w: *90*, *1.5*, *1h30m*, *2d*; or hours, minutes and seconds: *01:30:00*.

_RANGES_::
Numbers from 0 and ranges of them, with a step where there is a colon: *5*, *0-99*, *0-99:2*, *1-5,9*. A job has up to 10,000,000 elements.
`

const manualStates = `
*queued*::
waits for room on a worker, or for the time of its next attempt

*assigned*::
was sent to a worker, which has not confirmed that it started

*running*::
its command executes

*completed*::
ended with exit code 0

*failed*::
ended otherwise; the reason tells how

*timed_out*::
ended by its --timeout

*cancelled*::
ended by a user

The last four are final, unless octasklyctl retry opens a further attempt. A reason is a word for programs:

*exit:*_N_::
the command exited with code _N_

*signal:*_N_::
signal _N_ ended it

*spawn:*_ERROR_::
it could not be executed, such as *spawn:ENOENT*, see errno(3)

*cwd:*_ERROR_::
its directory could not be entered

*timeout*::
it ran for longer than --timeout, or than its preset allows

*oom*, *cpu-time*, *disk*, *processes*::
it reached a limit, see LIMITS

*cancelled*::
a user ended it

*worker-lost*::
of an attempt: its worker went away with it

*worker-lost×*_N_::
_N_ workers in turn went away while they ran it

*released*::
of an attempt: its worker was stopped or drained by its operator

*lease*::
of an attempt: its worker stopped it as --at-most-one wants

*unenforceable:*_WHAT_::
its worker cannot do what it asks for, such as *unenforceable:strict*; nothing is ever run with less than that

*executor*::
octaskly itself failed on the worker; octasklyctl show tells more

With --retries, an attempt that failed by its exit code, a signal or its timeout is followed by another one; who has reached another limit would only reach it again. The last three of attempts do not count: the task runs again elsewhere, see WHEN MACHINES FAIL. Every attempt is kept and shown by octasklyctl show, also those before an octasklyctl retry.
`

const manualTask = `
A command starts in an empty directory of its own on the worker's machine, which is removed afterwards, unless --cwd names a directory there. A relative one is that of here. Files do not travel by themselves; standard input does: with --stdin up to 256 MiB, otherwise it is empty. There is no terminal.

When the command itself has exited, whatever processes it left behind are killed, and then the task is over.

Of each output stream 64 MiB are kept of each attempt, unless the dispatcher is configured otherwise. What comes after that is dropped, and octasklyctl run, logs and show say how much.

The environment is small and does not depend on the daemon's. It has *PATH*, *HOME*, *USER*, *LOGNAME*, *SHELL*, *LANG* and in a box *TMPDIR*, each of which --env may change, what --env and --env-file give, and:

*OCTASKLY_TASK_ID*::
id of the task, *42* or *42.7*

*OCTASKLY_JOB_ID*::
id of its job, *42*

*OCTASKLY_ARRAY_INDEX*::
index of the element, if the job is an array

*OCTASKLY_ITEM*::
its line of the file of --each-line

*OCTASKLY_ATTEMPT*::
number of the attempt, from 1

*OCTASKLY_WORKER*::
name of the worker that runs it

*OCTASKLY_GENERATION*::
which dispatcher's database has given the ids: together they name an attempt among those of all fleets
`

const manualFormats = `
With *-o json* each command prints one JSON document on a line, octasklyctl logs, octasklyctl show and octasklyctl events several. Ids are strings, times are RFC 3339 in UTC, durations are seconds and sizes bytes. octasklyctl run prints its document on stderr, since stdout is the command's. Text that is not UTF-8 is an object with a member *base64*.

An error is a document on stderr:

    {"error":{"kind":"not-found","message":"…","hint":"…","exit_code":66}}

The kinds are *usage*, *not-found*, *denied*, *unauthorized*, *untrusted*, *unreachable*, *timeout*, *over*, *gone*, *full*, *conflict* and *error*.

With *-o quiet*, commands that submit or list print ids alone, one a line, and nothing is said on stderr but errors.
`

const manualExit = `
Of octasklyctl run, octasklyctl wait and octasklyctl submit --wait for one task:

*0* to *255*::
what the command exited with

*124*::
it timed out

*125*::
octaskly failed it: it reached a limit, was cancelled or lost; stderr tells the reason

*126*::
it is not executable

*127*::
it was not found

*128+*_N_::
signal _N_ ended it

For several tasks and for arrays it is *0* if all completed, else *1*. Besides:

*124*::
octasklyctl wait --timeout has waited long enough

*125*::
octasklyctl run could not do its part, for whatever reason

*130*::
octasklyctl was interrupted

*141*::
nobody reads any more what octasklyctl run prints

Of everything else:

*0*::
done

*1*::
it could not be done

*2*::
the command line makes no sense; of run, too

*66*::
there is no such job, element or worker, or it is no longer kept

*69*::
the dispatcher cannot be reached, or has gone away in the middle of its answer

*77*::
this is not permitted, nobody is logged in, or the dispatcher's certificate is not to be trusted
`

const manualEnvironment = `
*OCTASKLY_SOCKET*::
path of the dispatcher's socket; --socket and --context win

*OCTASKLY_CONTEXT*::
name of a context, as for --context, which wins, as does --socket

*OCTASKLY_URL*, *OCTASKLY_TOKEN_FILE*, *OCTASKLY_CA*::
where a dispatcher is reached by HTTPS, the file with a token of octasklyctl token create, and the file with the certificate of its authority, in PEM, if this machine does not trust it anyway; for programs that have no context, as in CI. All of the above win

*XDG_CONFIG_HOME*, *HOME*::
where contexts are kept, see FILES

*XDG_RUNTIME_DIR*, *XDG_STATE_HOME*, *HOME*::
where the socket of a dispatcher of your own is looked for, see FILES

*TMPDIR*::
where input is kept that cannot be read twice
`

const manualFiles = `
_$XDG_RUNTIME_DIR/octaskly/dispatcher.sock_::
socket of a dispatcher that you run yourself; without a runtime directory it is in _$XDG_STATE_HOME/octaskly_ or _~/.local/state/octaskly_

_/run/octaskly/dispatcher.sock_::
socket of the machine's dispatcher, used where there is none of your own; members of the group *octaskly* may open it

_$XDG_CONFIG_HOME/octaskly/contexts.json_::
contexts, with their tokens; without that variable it is in _~/.config/octaskly_. It must be readable by its owner only

_/run/octaskly/worker.sock_::
socket of the machine's worker, used where there is no dispatcher; it answers for itself, and says where the dispatcher is
`

const manualExamples = `
Run a command where there is room, and use its output as if it had run here:

    octasklyctl run -- uname -a

Queue a sort, do something else, and come back for it:

    id=$(octasklyctl submit --stdin data.csv -- sort -u)
    octasklyctl wait $id && echo 'it is sorted'
    octasklyctl logs --tail 20 $id

A thousand tasks, fifty at a time, each up to three times and ten minutes at most:

    octasklyctl submit --array 0-999%50 --retries 2 --timeout 10m \
        --shell 'echo "this is $OCTASKLY_ARRAY_INDEX"'

One task for each line of a file:

    octasklyctl run --each-line words.txt \
        --shell 'printf %s "$OCTASKLY_ITEM" | sha256sum'

A program that nobody here has written, as far from everything as can be:

    octasklyctl run --sandbox very-strict --limits strict --stdin data.json -- jq .name

More room than the preset gives, and a network:

    octasklyctl submit --memory 16G --cpu-time 8h --network host \
        -- curl -fsSO https://example.org/data

What did not complete, why, and once more:

    octasklyctl ls -a --state failed --state timed_out
    octasklyctl why last
    octasklyctl show last
    octasklyctl retry last

Empty a machine, whatever runs there may take an hour, and use it again:

    octasklyctl worker drain --deadline 1h --reason 'new disk' w1
    octasklyctl worker show w1
    octasklyctl worker resume w1

Let a machine join that shows a code, invite another one, and let a third come in no more:

    octasklyctl worker pending
    octasklyctl worker approve w1 483-112
    (umask 077; octasklyctl worker invite --name w2 > invite)
    octasklyctl worker remove w3

Use a dispatcher elsewhere, and make a token for a program there:

    octasklyctl login https://octaskly.example.org:3000
    (umask 077; octasklyctl token create --name ci --expires 30d > token)

Give a command a secret, which nobody else sees:

    octasklyctl run --secret-env API_KEY=key.txt \
        --shell 'curl -fsS -H "Authorization: $API_KEY" https://example.org'

End everything that is not over:

    octasklyctl cancel --reason 'wrong input' --yes all

Ids of all jobs that failed, for a program:

    octasklyctl ls -a --state failed -o quiet
`
