package main

import (
	"os"
	"strconv"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// canaries tries what a box of a level must not allow, and prints a line for
// each: "held NAME" or "open NAME: WHY". Its arguments are the level's number
// and "own" or "host", for the network.
func canaries(args []string) (code int) {
	if len(args) != 2 {
		os.Stderr.WriteString("usage: octaskly-init canary LEVEL own|host\n")
		return 2
	}
	level, err := strconv.ParseUint(args[0], 10, 8)
	if err != nil {
		os.Stderr.WriteString("octaskly-init: cannot read the level\n")
		return 2
	}
	c := checks{level: uint8(level)}
	for _, canary := range plan.CanariesOf(uint8(level), args[1] == "own") {
		line := "held " + canary.Name + "\n"
		if why := c.named(canary.Name); why != "" {
			line, code = "open "+canary.Name+": "+why+"\n", 1
		}
		os.Stdout.WriteString(line)
	}
	return code
}

// checks say why something is open, or nothing.
type checks struct{ level uint8 }

const (
	levelStrict     = 3
	levelVeryStrict = 4
)

// named runs a check; one that there is not does not hold.
func (c checks) named(name string) (why string) {
	if check, ok := table[name]; ok {
		return check(c)
	}
	return "there is no such check"
}

var table = map[string]func(checks) string{
	"user":                checks.user,
	"capabilities":        checks.capabilities,
	"no-new-privileges":   checks.noNewPrivileges,
	"descriptors":         checks.descriptors,
	"limits":              checks.limits,
	"oom-score":           checks.oomScore,
	"processes":           checks.processes,
	"init":                checks.init,
	"shadow":              checks.shadow,
	"kernel-settings":     checks.kernelSettings,
	"private-tmp":         checks.privateTmp,
	"namespaces":          checks.namespaces,
	"user-namespace":      checks.userNamespace,
	"clone3":              checks.clone3,
	"keyrings":            checks.keyrings,
	"terminal":            checks.terminal,
	"sockets":             checks.sockets,
	"mount":               checks.mount,
	"quota":               checks.quota,
	"network":             checks.network,
	"root":                checks.root,
	"programs":            checks.programs,
	"devices":             checks.devices,
	"proc":                checks.proc,
	"host-name":           checks.hostName,
	"landlock":            checks.landlock,
	"trace":               checks.trace,
	"execute":             checks.execute,
	"no-network":          checks.noNetwork,
	"no-sharing":          checks.noSharing,
	"proc-only-processes": checks.procOnlyProcesses,
}
