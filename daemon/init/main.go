// Reading how many processors a cgroup has would be a sixth of our start.
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// octaskly-init builds the box of one task from inside and looks after it. The
// executor starts it, as process 1 of namespaces of its own and in the task's
// cgroup; package plan says what the two talk about, over descriptor 3.
//
// What goes on, in this order: descriptors are marked, the room is furnished
// (mounts, the change of root, host name, loopback); then, when there is a task,
// its own mounts, the root made read-only, limits, the directory and the program
// looked up with the task's rights, capabilities, no_new_privs, Landlock, seccomp,
// and a child that gives up root and executes the command. Any failure ends all
// of it with code 125.
//
// What holds for a thread (the last four) is done in the main thread, of which
// the child is made. The others are never a task's, and no task can reach them:
// process 1 is another user's.
//
// As octaskly-init canary LEVEL, it tries inside a box what the box should not
// allow.
package main

import (
	"os"
	"runtime"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// exitFailed is our own exit code where no command's is to be had.
const exitFailed = 125

func main() {
	runtime.LockOSThread()
	if len(os.Args) > 1 && os.Args[1] == "canary" {
		os.Exit(canaries(os.Args[2:]))
	}
	if os.Getpid() != 1 {
		os.Stderr.WriteString("octaskly-init: cannot run: octasklyd starts it, to be process 1 of a sandbox\n")
		os.Exit(exitFailed)
	}
	os.Exit(serve(link{3}))
}

// serve is the life of a box.
func serve(l link) (code int) {
	r, err := prepare(l)
	if err != nil {
		return l.fail(err)
	}
	t, given, err := l.task()
	if err != nil {
		return l.fail(err)
	}
	pid, err := launch(r, t, given)
	if err != nil {
		return l.fail(err)
	}
	if err := l.send(plan.Started{}); err != nil {
		return exitFailed
	}
	shield()
	go obey(l, pid)
	return supervise(l, pid)
}

// prepare makes the room.
func prepare(l link) (*plan.Room, error) {
	if err := mark(); err != nil {
		return nil, fail(plan.StepRoom, "descriptors", err)
	}
	r, err := l.room()
	if err != nil {
		return nil, err
	}
	if err := furnish(r); err != nil {
		return nil, err
	}
	makeThread()
	return r, l.send(plan.Ready{})
}
