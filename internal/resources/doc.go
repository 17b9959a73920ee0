// Package resources keeps hold of commands and of everything they start, so
// that dead means dead: a daemon that forked twice is gone too before an end is
// reported.
//
// A [Group] holds one command at a time:
//
//	Start ──▶ (the command exits) ──▶ Clear ──▶ Reap ──▶ Start …
//
// Between its exit and Reap the command is a zombie, so its process id and its
// process group are still nobody else's.
//
// There are two kinds. Where this process may make groups in a cgroup2 file
// system with cgroup.kill (Linux 5.14, cgroups(7)), the kernel keeps the list of
// members and kills them all at once; nothing but a command that runs as root
// and moves itself gets away. Elsewhere it is best effort: this process becomes
// the reaper of orphans (PR_SET_CHILD_SUBREAPER), and /proc tells which of its
// descendants belong to a command, by their session, process group, environment
// or ancestors. A daemon that has left all four is found when no command of any
// group runs any more.
//
// A systemd unit with Delegate=yes is divided: this process moves itself to
// keeper/ below the unit's cgroup and the groups lie in tasks/, because a cgroup
// that gives controllers to its children must have no process of its own.
//
// Bounds and measures come from the kernel's controllers, as far as the groups
// are given them (Control Group v2 in the kernel's documentation): memory from
// memory, processes from pids, bytes read and written from io; cpu shares the
// processors out evenly. Every cgroup2 counts processor time. What a group has
// counted and cannot count anew it is remade for.
package resources

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"syscall"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Containment makes groups of one kind.
type Containment interface {
	// Feature is octaskly.KillCgroup or octaskly.KillBestEffort.
	Feature() string
	// Group makes an empty group. Names are plain file names, each used once.
	Group(name string) (Group, error)
	// Adopt takes over a group and the command in it, which an earlier program of
	// this very process has started and left: see Options.Resume.
	Adopt(name string, pid int, marks []string) (Group, error)
	// Limits are those of octaskly.LimitFeatures that Group.Limit can set and
	// Group.Usage can tell; why says what keeps the others away, and what to do.
	Limits() (features []string, why error)
	// Close removes what is left when all groups are closed.
	Close() error
}

// Group holds one command at a time. It is for one goroutine, but that others may
// call Signal and Kill between the end of Start and the beginning of Reap.
type Group interface {
	// Start executes a command as [syscall.ForkExec] does and returns its errno.
	// The command is inside the group from its first instruction, and leads a
	// process group that no terminal can signal; attr.Sys is changed to that end.
	// Marks are entries of attr.Env that together no other command here has.
	Start(path string, argv []string, attr *syscall.ProcAttr, marks []string) error
	// PID is the command's process id.
	PID() int
	// Signal sends a signal to the command's process group.
	Signal(sig syscall.Signal) error
	// Kill sends KILL to everything in the group, as far as it is known at once.
	Kill() error
	// Limit sets bounds for what is started next, or for what is already in the
	// group and more. What is in use then counts as nothing: neither for the bounds
	// nor in Usage. Of l it knows Memory and Processes; 0 is no bound. It holds until
	// Clear, or until the next Limit when Start fails.
	Limit(l octaskly.Limits) error
	// Usage is what the group uses and has used since Limit, or since Start, for as
	// long as nothing else is started.
	Usage() (octaskly.Usage, error)
	// Struck is the limit that the kernel has enforced: octaskly.ReasonOOM, also
	// where it was the memory of the whole machine that ran out,
	// octaskly.ReasonProcesses, or nothing. The command may have coped with the
	// latter. Ask when it has exited, or is killed, and nothing else is started yet.
	Struck() octaskly.Reason
	// Clear kills whatever has outlived the command and returns when it is gone.
	// The error is ErrAlive when something is not gone after patience.
	Clear(patience time.Duration) (leftover bool, err error)
	// Reap waits for the command itself.
	Reap(usage *syscall.Rusage) (syscall.WaitStatus, error)
	Close() error
}

// Options say how to contain commands.
type Options struct {
	Dir      string // of the executor's state: groups are named after it
	NoCgroup bool   // best effort, whatever this machine has
	// Resume is the Feature of the containment that this process had before it
	// executed its program anew (execve(2)). What runs is left alone then.
	Resume string
	Log    *slog.Logger
}

// Open kills everything that an earlier process with the same Dir has left, and
// chooses how this machine contains commands. The caller sees to it that no two
// processes have one Dir.
func Open(o Options) (Containment, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot contain commands: %w", err)
	}
	switch o.Resume {
	case "":
	case octaskly.KillCgroup:
		c, err := resumeCgroups(dir)
		if err != nil {
			return nil, err // and no nil within an interface
		}
		return c, nil
	default:
		return openTrees(dir, fmt.Errorf("its commands were started without cgroups; %s", remedy("memory", "pids")))
	}
	if err := sweep(dir, o.Log); err != nil {
		return nil, err
	}
	if o.NoCgroup {
		return openTrees(dir, errors.New("cgroups are not to be used"))
	}
	c, err := openCgroups(dir)
	if err == nil {
		return c, nil
	}
	o.Log.Warn("processes that leave their task are killed by best effort only", "why", err)
	return openTrees(dir, fmt.Errorf("%w; %s", err, remedy("memory", "pids")))
}

func sweep(dir string, log *slog.Logger) error {
	if err := sweepCgroups(dir, log); err != nil {
		return err
	}
	return sweepTrees(dir)
}
