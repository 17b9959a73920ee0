package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
)

// flagHelp says what each key of the configuration means on the command line.
var flagHelp = map[string]string{
	"state_dir":                 "keep everything that must outlive the daemon in `DIR`",
	"socket":                    "listen on the Unix socket `PATH`",
	"executor":                  "have commands run by the executor at the Unix socket `PATH`; without, this process runs them",
	"worker_user":               "obey the worker that runs as `USER`, besides root",
	"run_as":                    "run commands of sandbox level none as `USER`, who cannot be root",
	"directories":               "allow --cwd only below these `DIRS`",
	"log_level":                 "log from `LEVEL` on: debug, info, warn or error",
	"log_format":                "log as `FORMAT`: text or json",
	"listen":                    "await workers on `HOST:PORT`",
	"quic":                      "await workers by QUIC on the same port, too",
	"transport":                 "reach the dispatcher by `PROTOCOL`: tcp, quic or auto",
	"join_key_file":             "read the fleet key from `FILE`",
	"invite_file":               "join by the invite in `FILE`",
	"fleet":                     "call dispatcher and workers together `NAME`",
	"announce":                  "tell workers on the network of this dispatcher, by multicast DNS",
	"discover":                  "look for a dispatcher on the network, by multicast DNS, where none is named",
	"sandbox":                   "isolate commands that name no sandbox level by `LEVEL`: none, basic, strict, very-strict or auto",
	"sandbox_floor":             "refuse commands below sandbox level `LEVEL`",
	"preset":                    "give commands that name no limits those of `PRESET`: none, default, strict, relaxed or auto",
	"http_listen":               "serve REST over HTTPS on `HOST:PORT`",
	"http_names":                "have `NAMES` in this machine's certificate, too",
	"http_plain":                "serve REST without TLS, on a loopback address",
	"tls_cert":                  "show the certificate in `FILE`",
	"tls_key":                   "prove the certificate by the key in `FILE`",
	"cors_origins":              "let pages of these `ORIGINS` use REST",
	"join.allow":                "take in workers of these `NAMES` only, which may be patterns such as web-*",
	"join.key":                  "let workers join by the fleet key alone",
	"access.admins":             "let `USERS` of this machine do everything",
	"access.dispatchers":        "let `USERS` of this machine change all tasks and workers",
	"access.clients":            "let `USERS` of this machine have tasks of their own",
	"quotas.queued":             "let `N` tasks of each user wait",
	"quotas.running":            "let `N` tasks of each user be at workers",
	"quotas.submits_per_second": "accept `N` submissions of each user a second",
	"rest.requests_per_second":  "answer `N` requests a second of each token, and of strangers at each address",
	"rest.burst":                "answer `N` requests of each token, and of strangers at each address at once",
	"limits.max_output":         "keep `SIZE` of each output stream of a task",
	"limits.max_queued":         "let `N` tasks wait at most",
	"limits.lease":              "give up the tasks of a worker that has been silent for `DURATION`",
	"limits.commit_linger":      "let the end of a task wait up to `DURATION` for others, to be written with them",
	"limits.max_losses":         "fail a task that `N` workers were lost with",
	"retention.age":             "keep jobs for `DURATION` after their end",
	"retention.tasks":           "keep `N` tasks that are over",
	"retention.output":          "keep `SIZE` of outputs and inputs in files",
	"retention.audit":           "keep rows of the audit log for `DURATION`",
	"retention.audit_rows":      "keep `N` rows of the audit log",
	"dispatcher":                "connect to the dispatcher at `HOST:PORT`",
	"name":                      "call this worker `NAME`",
	"slots":                     "run `N` commands at the same time",
	"cpus":                      "offer `N` processors as room",
	"memory":                    "offer `SIZE` of memory as room",
	"grace":                     "give a command `DURATION` between TERM and KILL",
	"allow_none":                "offer sandbox level none, too",
	"allow_host_network":        "let boxes of level strict have the machine's network",
	"octaskly_init":             "build boxes with the program `PATH`",
	"first_uid":                 "give boxes the users from `UID` on",
	"disk_pool":                 "make an image of `SIZE` for workspaces where the file system has no project quotas",
}

// configFlags are the flags of a role: one for each key, and --config; a dispatcher
// has --ui, too, which config check and show try as it would.
func configFlags(role dirs.Role) []cli.Flag {
	flags := []cli.Flag{&cli.StringFlag{Name: "config", Usage: "read `FILE` instead of the usual files"}}
	for _, key := range config.Keys(role) {
		name, usage := config.FlagName(key), flagHelp[key]
		if config.IsSwitch(role, key) {
			flags = append(flags, &cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true})
		} else {
			flags = append(flags, &cli.StringFlag{Name: name, Usage: usage})
		}
	}
	if role == dirs.Dispatcher {
		flags = append(flags, uiFlag)
	}
	return flags
}

// sources collects what the command line says.
func sources(c *cli.Context, role dirs.Role) config.Sources {
	src := config.Sources{File: c.String("config"), Flags: map[string]string{}}
	for _, key := range config.Keys(role) {
		if name := config.FlagName(key); c.IsSet(name) {
			src.Flags[key] = c.String(name)
		}
	}
	return src
}

func configCommand() *cli.Command {
	return &cli.Command{
		Name:   "config",
		Usage:  "look at the configuration",
		Action: onlyHelp,
		Subcommands: []*cli.Command{
			perRole("check", "say what is wrong with a role's configuration", checkConfig),
			perRole("show", "print a role's configuration and where each value is from", showConfig),
		},
	}
}

// perRole is a command with a subcommand for each role.
func perRole(name, usage string, action func(*cli.Context, dirs.Role) error) *cli.Command {
	command := &cli.Command{Name: name, Usage: usage, Action: whichRole}
	for _, role := range dirs.Roles {
		command.Subcommands = append(command.Subcommands, &cli.Command{
			Name:   string(role),
			Usage:  usage,
			Flags:  configFlags(role),
			Before: noArguments,
			Action: func(c *cli.Context) error {
				if c.Bool(uiFlag.Name) {
					if _, err := openUI(); err != nil {
						return err
					}
				}
				return action(c, role)
			},
		})
	}
	return command
}

// whichRole is what perRole's command does without a role: to a script, help with
// exit code 0 would say that all is well.
func whichRole(c *cli.Context) error {
	if word := c.Args().First(); word != "" {
		return usageError{fmt.Errorf("unknown role %q: want dispatcher, worker or executor", word)}
	}
	return usageError{fmt.Errorf("config %[1]s lacks a role, as in: octasklyd config %[1]s dispatcher", c.Command.Name)}
}

func checkConfig(c *cli.Context, role dirs.Role) error {
	if err := config.Check(c.App.ErrWriter, role, sources(c, role)); err != nil {
		return fmt.Errorf("cannot use the configuration:\n%w", err)
	}
	fmt.Fprintf(c.App.ErrWriter, "octasklyd: the configuration of the %s is fine; octasklyd config show %s prints it\n", role, role)
	return nil
}

func showConfig(c *cli.Context, role dirs.Role) error {
	loaded, err := config.Load(role, sources(c, role))
	if err != nil {
		return fmt.Errorf("cannot use the configuration:\n%w", err)
	}
	return config.Show(c.App.Writer, loaded)
}
