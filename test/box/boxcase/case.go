// Package boxcase is what the tests of boxes and their driver in a virtual
// machine say to each other.
package boxcase

import "github.com/octaskly/octaskly/internal/octaskly"

// Case is one command in one box.
type Case struct {
	Level   octaskly.Level
	Argv    []string
	Env     []string // besides sandbox.Environ
	Dir     string
	Network bool // the machine's
	Limits  struct{ OpenFiles, Processes, CPUTime, FileSize uint64 }
	Umask   uint32
	// Without names a protection that the box is built without; see NoBox.
	Without string
	// Await is what the command prints before Signals are sent.
	Await   string
	Signals []int
	// Outside sends them to octaskly-init, by kill(2).
	Outside bool
	// Kill kills octaskly-init instead.
	Kill bool
	// Abandon closes the executor's end instead, as its death does.
	Abandon bool
}

// NoBox is to be without all of them: the command runs as root runs it, with a
// descriptor of others open.
const NoBox = "box"

// Result is how a Case has ended.
type Result struct {
	Stdout, Stderr string
	// Err is what the box could not do, and Step and Errno say it as data.
	Err   string
	Step  int
	Errno int
	// Status is what wait4(2) says of the command, and Exit of octaskly-init.
	Status, Exit int
	Leftover     bool
	CPU, MaxRSS  uint64
	// Left is what was there when all had ended: processes of the task's user,
	// mounts and cgroups that were not there before.
	Left []string
}
