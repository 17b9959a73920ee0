package octaskly

import (
	"strconv"
	"strings"
)

// Reason says as data why a task is in its state: "exit:3", "signal:9",
// "spawn:ENOENT" (the command could not be executed), "cwd:ENOENT" (its directory
// could not be entered), "worker-lost", "cancelled". The empty reason needs no
// words.
type Reason string

const (
	ReasonTimeout    Reason = "timeout"     // its own wall time limit
	ReasonCancelled  Reason = "cancelled"   // a user's wish
	ReasonWorkerLost Reason = "worker-lost" // its worker went away
	ReasonExecutor   Reason = "executor"    // our own failure on the worker; Detail says which
	ReasonLease      Reason = "lease"       // Spec.AtMostOne: stopped because the dispatcher was out of reach
	ReasonReleased   Reason = "released"    // stopped, or given back, on the word of the worker's operator
	ReasonDamage     Reason = "damage"      // how it ended was lost with a damaged database

	// Its secret environment was sealed by a key that the dispatcher no longer has.
	ReasonKeyChanged Reason = "secret:key-changed"
	// It cannot be opened, whatever the key.
	ReasonSecretDamaged Reason = "secret:damaged"

	// A limit has ended it, or made it fail. Limit and Peak of its End say more.
	ReasonOOM       Reason = "oom"       // Limits.Memory
	ReasonCPUTime   Reason = "cpu-time"  // Limits.CPUTime
	ReasonDisk      Reason = "disk"      // Limits.Disk
	ReasonProcesses Reason = "processes" // Limits.Processes
)

// ReasonExit, ReasonSignal and ReasonSpawn build the reasons that carry a value.
func ReasonExit(code int) Reason   { return Reason("exit:" + strconv.Itoa(code)) }
func ReasonSignal(n int) Reason    { return Reason("signal:" + strconv.Itoa(n)) }
func ReasonSpawn(e string) Reason  { return Reason("spawn:" + e) }
func ReasonLostTimes(n int) Reason { return Reason("worker-lost×" + strconv.Itoa(n)) }

// ReasonLacks says that a worker lacks a feature: "unenforceable:strict" of level
// strict, "unenforceable:limit:disk".
func ReasonLacks(feature string) Reason {
	return Reason("unenforceable:" + strings.TrimPrefix(feature, levelPrefix))
}

// Kind is the part before the colon.
func (r Reason) Kind() string { kind, _, _ := strings.Cut(string(r), ":"); return kind }

// Value is the part after the colon.
func (r Reason) Value() string { _, v, _ := strings.Cut(string(r), ":"); return v }

// ExitCode is what a shell should see for a task that ended in state s for
// reason r: its own code, 128+n for signal n, 124 for a timeout, 126 and 127
// for a command that could not be executed, as POSIX shells say it, and 125
// where octaskly ended it.
func ExitCode(s State, r Reason) int {
	value, _ := strconv.Atoi(r.Value())
	switch {
	case s == Completed:
		return 0
	case s == TimedOut:
		return 124
	case s != Failed:
		return 125
	case r.Kind() == "exit":
		return value
	case r.Kind() == "signal":
		return 128 + value
	case r == "spawn:ENOENT":
		return 127
	case r.Kind() == "spawn" && (r.Value() == "EACCES" || r.Value() == "ENOEXEC" || r.Value() == "EISDIR"):
		return 126
	}
	return 125
}
