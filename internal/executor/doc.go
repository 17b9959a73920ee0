// Package executor starts, watches, times out, stops and collects commands: one
// attempt at a time in each of a fixed number of slots.
//
//	Offer ─▶ FIFO ─▶ slot: start, watch, clear, drain, reap ─▶ end ─▶ Take … Release
//
// A slot is one goroutine that owns an attempt from its start to its end and
// waits in one poll(2) for all it can hear of: both outputs, the command's exit,
// a wish of somebody else's (Stop), and the next deadline. Its room is given out
// again when nothing of the attempt is left.
//
// How an attempt ends:
//
//	exit code 0                     completed
//	exit code n, signal n           failed     exit:n, signal:n
//	Spec.Timeout has passed         timed_out  timeout             TERM, grace, KILL
//	Stop                            cancelled  cancelled           TERM, grace, KILL
//	Spec.AtMostOne, see lease.go    cancelled  lease               TERM, KILL
//	it could not be executed        failed     spawn:ERRNO, cwd:ERRNO
//	what this executor cannot do    failed     unenforceable:NAME
//	a trouble of this machine       failed     executor
//
// What has Spec.AtMostOne also ends where this process is killed or stopped: another
// one sees to it, see Guard.
//
// Whatever outlives the command itself is killed, by package resources.
//
// # On disk
//
// Below Config.Dir, which belongs to one executor at a time:
//
//	lock       held while an executor lives
//	ends.log   every end that is not released, see journal.go
//	output/    outputs larger than octaskly.InlineOutput
//	work/      a workspace for each slot
//
// All of it is for this process's user alone, but that with an Account work/ can be
// entered and every workspace belongs to that user.
//
// An end is in ends.log before anybody hears of it. It survives the death of
// this process; after a loss of power it may be missing, and the attempt counts
// as lost.
package executor

import (
	"log/slog"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Config says what an executor has to give. Slots, Dir, Worker and Log are
// required.
type Config struct {
	Slots    int           // attempts at a time
	Room     octaskly.Room // that they share
	Dir      string        // of the executor's state; made if missing
	Grace    time.Duration // between TERM and KILL; if 0, 10 s
	Worker   string        // OCTASKLY_WORKER, and how messages name this machine
	NoCgroup bool          // contain by best effort although there is a cgroup2
	Log      *slog.Logger

	// Account is the user that commands run as; only root may name one, and not
	// root. If nil, they run as this process does.
	Account *Account
	// Directories are those below which a Spec's Dir may lie, links resolved; if
	// empty, any that the command's user may enter. They bound where a command
	// starts; it may change its directory.
	Directories []string
	Boxes       Boxes
	// Guard are the words with which this very program becomes a guard process, see
	// Guard. Without them Spec.AtMostOne is not offered.
	Guard []string
}

// Boxes say how commands may be isolated.
type Boxes struct {
	// Init is the path of octaskly-init. Without it, or without root's rights, there
	// are no boxes and so no level but none.
	Init string
	// AllowNone offers level none.
	AllowNone bool
	// AllowHostNetwork lets boxes of level strict have the machine's network.
	AllowHostNetwork bool
	// FirstUID is the first of MaxUIDs users that tasks in boxes have, one each.
	FirstUID uint32
	// Pool is the size in bytes of an image for workspaces, if their file system
	// has no quotas; 0: none, below 0: what fits.
	Pool int64
	// Untried are levels to offer without a self-test, with all limits that there
	// are means for. It is for benchmarks: none of them has been seen to hold.
	Untried []octaskly.Level
}

// Attempt is one execution to be done. The executor keeps it; nobody changes it
// any more.
type Attempt struct {
	ID         octaskly.AttemptID
	Generation string // of the store that numbered it
	Spec       *octaskly.Spec
	Array      bool
	Item       string   // when Spec has Items
	StdinPath  string   // when Spec has Stdin: the file with its bytes
	Secrets    []string // "NAME=value" for each of Spec.SecretNames; the same for all attempts with that Spec
	MaxOutput  int64    // bytes kept of each stream; if 0, 64 MiB
	Err        error    // why it cannot be executed: it ends at once
}

// Task names the attempt's task.
func (a *Attempt) Task() octaskly.TaskID {
	return octaskly.TaskID{Job: a.ID.Job, Index: a.ID.Index, Array: a.Array}
}
