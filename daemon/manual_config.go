package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
)

// builtIn is the default of a key.
type builtIn struct {
	key   string
	value string // as a file would have it
	text  string // the same, or in words
}

// hostDefaults says in words what depends on the machine, or what it means that
// nothing is given.
var hostDefaults = map[string]string{
	"state_dir":          "/var/lib/octaskly/ROLE for root, ~/.local/state/octaskly/ROLE for others",
	"socket":             "/run/octaskly/ROLE.sock for root, octaskly/ROLE.sock in $XDG_RUNTIME_DIR for others",
	"join_key_file":      "fleet.key among the credentials that systemd gives, else in the state directory of the dispatcher, which makes it there",
	"join.allow":         "any name",
	"invite_file":        "invite among the credentials that systemd gives, else none",
	"dispatcher":         "the one on this machine, 127.0.0.1:7878, or else one that is heard on the network",
	"executor":           "none, the worker runs commands itself",
	"name":               "the host's name",
	"slots":              "the number of processors",
	"cpus":               "all processors",
	"memory":             "all there is",
	"worker_user":        "octaskly-worker for root, else oneself",
	"run_as":             "octaskly-task for root, else oneself",
	"directories":        "any that the user of the command may enter",
	"http_listen":        "none, it is not served",
	"http_names":         "none but the host's name and its addresses",
	"tls_cert":           "none, a dispatcher makes one by the fleet's own authority",
	"tls_key":            "none",
	"cors_origins":       "none",
	"access.admins":      "root, and whoever runs the dispatcher where it is no service",
	"access.dispatchers": "none",
	"allow_none":         "false for an executor of root's, else true",
	"octaskly_init":      "octaskly-init beside octasklyd, else /usr/libexec/octaskly/octaskly-init",
}

// keyNotes says more on a key than its flag's help.
var keyNotes = map[string]string{
	"state_dir":                 "No two daemons can share it.",
	"socket":                    "It has 107 bytes at most. A daemon that systemd starts takes the socket that systemd has opened.",
	"listen":                    "Without a host it is every address of the machine. Port 0 is any free one.",
	"quic":                      "QUIC takes the UDP port with the number of the TCP port. Where it is taken, or denied, the dispatcher says so and goes on with TCP.",
	"transport":                 "QUIC moves a quarter of what TLS over TCP does, at 3.8 times the CPU: so *auto* is TCP, and QUIC where TCP cannot connect within 2 s. By QUIC, a session outlives a change of this machine's address. See LINKS in *octasklyd*(8).",
	"join_key_file":             "Nobody but its owner may have access to the file.",
	"invite_file":               "It holds what *octasklyctl worker invite* prints, and nobody but its owner may have access to it. It counts once; then the worker has a certificate in *state_dir*. See JOINING in *octasklyd*(8).",
	"fleet":                     "Letters, digits, dots, underscores and hyphens make a name, up to 64 of them.",
	"announce":                  "It is told where it listens on an address that others can reach, and never on loopback alone. What is told is its name, addresses and ports, the fleet's name and the program's version; UDP port 5353 must be open. See DISCOVERY in *octasklyd*(8).",
	"discover":                  "An address that is given, and a dispatcher on this machine, come first. See DISCOVERY in *octasklyd*(8).",
	"sandbox":                   "*auto* is the strictest of strict and basic that every worker offers together with the limits of preset default, else none. What a command gets is settled as it is submitted; it waits while no worker offers that. The file in the packages says *strict*.",
	"sandbox_floor":             "A submission that asks for less is an error.",
	"preset":                    "*auto* is none at level none, else default. Single limits that a submission names come before its preset. The file in the packages says *default*.",
	"http_listen":               "Without a host it is every address of the machine. *octasklyctl login* https://_HOST:PORT_ is how others come in to a dispatcher. A worker answers there for itself, its state, self-test and metrics, whoever has a token of its dispatcher; it needs *tls_cert* and *tls_key*, or *http_plain*.",
	"http_names":                "They are names and addresses by which others reach it.",
	"http_plain":                "For a proxy on this machine that has TLS itself.",
	"tls_cert":                  "In PEM, with the certificates between it and its authority. A pair that changes is read again; one that is broken is told of in the log and changes nothing.",
	"tls_key":                   "In PEM.",
	"cors_origins":              "Browsers are refused otherwise. An origin is written as https://board.example.",
	"access.admins":             "A user is written as his name, a group as *@name*, everybody as *\\**. Of several roles the first one counts: admins, dispatchers, clients; who has none is refused.",
	"access.dispatchers":        "Written like *access.admins*.",
	"access.clients":            "Written like *access.admins*. Whom the socket's mode keeps out does not get that far.",
	"quotas.queued":             "Every element of an array counts. A user may have a quota of his own, see *octasklyctl user set*. *0* is no bound.",
	"quotas.running":            "Other tasks of his wait. *0* is no bound.",
	"quotas.submits_per_second": "In the long run; ten times as many at once. *0* is no bound.",
	"rest.requests_per_second":  "In the long run.",
	"rest.burst":                "After a pause.",
	"limits.max_output":         "What an attempt writes after that is dropped.",
	"limits.max_queued":         "Every element of an array counts. A submission that does not fit is refused.",
	"limits.lease":              "After that its attempts count as lost and run again elsewhere; one that comes back earlier has lost nothing.",
	"limits.commit_linger":      "Ends that are written together need one write to the disk; *0s* writes each at once.",
	"limits.max_losses":         "It fails as _worker-lost×N_. A worker that its operator stops or drains takes nothing down with it.",
	"retention.age":             "Then all of a job goes: its tasks, their attempts and outputs, its inputs. Its id is never used again; its idempotency key may be. *0s* is no bound.",
	"retention.tasks":           "Of more than that, the jobs that were submitted first go, whole. Every element of an array counts; what waits or runs never does. *0* is no bound.",
	"retention.output":          "Beyond that, outputs and inputs go of the jobs that were submitted first and are over. How their tasks ended stays, and so does output up to 64KiB, which is in no file. *0B* is no bound.",
	"retention.audit":           "Older rows go from its front on, but for the newest 10000. That they go is a row of its own, so that *octasklyctl audit verify* can tell it from a log that was cut by somebody else. *0s* is no bound; else at least *7d*.",
	"retention.audit_rows":      "Of more than that, the oldest go, be they young. *0* is no bound; else at least *10000*.",
	"dispatcher":                "The worker tries until it answers.",
	"name":                      "Letters, digits, dots, underscores and hyphens make a name, up to 64 of them.",
	"executor":                  "That one has the keys about room, too.",
	"directories":               "In a file they are an array. Boxes of levels strict and very-strict show no other directories of the machine.",
	"slots":                     withoutExecutor,
	"cpus":                      "It is room for what tasks ask for with --cpus, with up to three decimals, and no limit to what they use. " + withoutExecutor,
	"memory":                    "It is room for what tasks ask for with --memory, and no limit to what they use. " + withoutExecutor,
	"grace":                     "That is how long a command has to end in good order. " + withoutExecutor,
	"allow_none":                "At that level there is no box: a command has all the rights of the user that it runs as. " + withoutExecutor,
	"allow_host_network":        "A task asks for it with --network host, and with all that listens on the machine it reaches what the machine reaches. " + withoutExecutor,
	"octaskly_init":             "Without that program there is no level but none. " + withoutExecutor,
	"first_uid":                 "That and the 65535 after it are users and groups of boxes, one each, and must be nobody else's: neither in passwd(5) or group(5) nor in subuid(5), nor in a directory service. " + withoutExecutor,
	"disk_pool":                 "Only an executor of root's can make one. It takes room on the disk as it fills up. *auto* is a size that fits the disk, *0* is none, and anything else is from *64MiB* to *16TiB*. " + withoutExecutor,
}

const withoutExecutor = "A worker that has an *executor* must not have this key."

// keyRanges holds the least and the greatest value of a key.
var keyRanges = map[string][2]string{
	"quotas.queued":             {"0", "1000000000"},
	"quotas.running":            {"0", "1000000"},
	"quotas.submits_per_second": {"0", "100000"},
	"rest.requests_per_second":  {"1", "1000000"},
	"rest.burst":                {"1", "1000000"},
	"limits.max_output":         {"1B", "1TiB"},
	"limits.max_queued":         {"1", "1000000000"},
	"limits.lease":              {"100ms", "1d"},
	"limits.commit_linger":      {"0s", "1s"},
	"limits.max_losses":         {"1", "1000"},
	"retention.age":             {"0s", "36500d"},
	"retention.tasks":           {"0", "1000000000"},
	"retention.output":          {"0B", "1PiB"},
	"slots":                     {"1", "4096"},
	"cpus":                      {"0.001", "65536"},
	"memory":                    {"0B", "1PiB"},
	"grace":                     {"0s", "1h"},
	"first_uid":                 {"65536", "4294901757"},
}

// defaultsOf lists the defaults of a role by flag. It refuses to take for one
// what this machine's environment says.
func defaultsOf(role dirs.Role) (map[string]builtIn, error) {
	// What is wrong with the defaults on this machine is no matter: users that are
	// missing here, say.
	c, _ := config.Load(role, config.Sources{File: os.DevNull})
	var shown bytes.Buffer
	if err := config.Show(&shown, c); err != nil {
		return nil, err
	}
	values := readShown(shown.String())
	defaults := map[string]builtIn{}
	for _, key := range config.Keys(role) {
		b := builtIn{key: key, value: values[key], text: hostDefaults[key]}
		if origin := c.Origin(key).Name; b.text == "" && origin != "built in" || b.value == "" {
			return nil, fmt.Errorf("cannot tell the default of %q: the environment says otherwise; unset all OCTASKLY_* variables", key)
		}
		b.text = cmp.Or(b.text, b.value)
		defaults[config.FlagName(key)] = b
	}
	return defaults, nil
}

// readShown reads the values of keys from what config.Show writes.
func readShown(text string) map[string]string {
	values := map[string]string{}
	table := ""
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " # ")
		name, value, ok := strings.Cut(line, " = ")
		if ok {
			values[table+strings.TrimSpace(name)] = strings.TrimSpace(value)
		} else if line != "" {
			table = strings.Trim(line, "[]") + "."
		}
	}
	return values
}
