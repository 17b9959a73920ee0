package main

import (
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

// What package sandbox promises, in the words of those who run into it.
const manualLevels = `
How a command is isolated is a level. It is settled once, when the job is submitted: by --sandbox, else by the dispatcher's configuration, which may also have a floor that no submission goes below. octasklyctl show tells which one it is. A worker offers the levels of which every check of its self-test has held, and runs a command at the level that was settled or not at all; octasklyctl worker ls and octasklyctl worker show tell what there is, and why there is no more.

*none*::
No isolation: the command runs as the configured user of the worker's machine, with all that this user may do, and has the machine's network.

*basic*::
The machine as it is, seen by a user that nobody else has. It has no privileges and gains none, sees no processes but its own, and has a /tmp, /var/tmp and /dev/shm of its own. It has the machine's network, unless --network is none.

*strict*::
A root of its own. It may write /work, where it starts, and /tmp; of the machine it sees /usr and what of /etc programs need, and can change neither. There is no network but a loopback of its own, unless --network is host and the worker's operator has granted that.

*very-strict*::
As strict, with less of each: of /usr only bin and lib, nothing that it can write may be executed, no sockets but Unix ones, of /proc only its processes. There is never a network.

Every level but none runs the command in a box, where these do not work:

    sudo, su, passwd      set-user-ID bits and capabilities gain nothing
    mount, chroot         nor whatever else administers a machine
    unshare, bwrap        no new namespaces: no containers, no sandbox
    podman, chromium      of a browser's own
    perf, bpftrace        perf_event_open(2) and bpf(2) are refused
    tcpdump               no packet sockets
    io_uring, keyctl      are not there; most programs do without
    chrt                  no real-time priority, 64 KiB of locked memory
    32-bit programs       are killed at once
    core dumps            are not written

At level strict, nor do these:

    files elsewhere       no /home, /opt, /srv, /var, little of /etc
    --cwd                 leads to /usr, or where the operator allows
    curl, git fetch       no network and no names without --network host
    tmux, expect          no terminals: no /dev/tty, no /dev/ptmx
    GPUs                  no devices but such as /dev/null; no /sys
    gdb, strace           ptrace(2) is refused, to leak checkers, too
    numactl, setarch      memory policies and personalities are refused
    id, ls -l             know users root, task (its own) and nobody only

At level very-strict, nor do these:

    make, ./configure     what the command writes cannot be executed or
                          loaded; a script can: sh ./script
    gcc                   no /usr/include, no /usr/libexec
    man, time zones       no /usr/share, no /usr/local
    ps, free, top         no files in /proc but those of processes
    multiprocessing       (Python's) no /dev/shm: no POSIX semaphores
    flock, inotifywait    nor System V IPC and memfd_create(2)

At strict and very-strict /tmp may be in memory, and then counts as such: it has 64 MiB, or a quarter of the limit of memory if that is less.

With --keep-workspace the files that a command leaves in its workspace are kept on the worker's machine, where its operator, root, finds them: octasklyctl show tells the path. Each worker keeps the latest 32.
`

// manualLimits is made of what package octaskly says.
func manualLimits() string {
	var presets strings.Builder
	for _, name := range presetNames() {
		fmt.Fprintf(&presets, "*%s*::\n%s\n\n", name, presetText(name))
	}
	return fmt.Sprintf(`
Limits bound what each attempt may use, all of its processes together. A preset is named by --limits, or by the dispatcher's configuration; each flag for a single limit wins over it, and *unlimited* takes that limit away. The presets are:

%s

*--cpu-time*::
Time of processors, of all its processes added up, from %v. At the limit they are killed: *cpu-time*.

*--memory*::
Memory, with its files in memory and what the kernel needs for it, from %v; there is no swap. If the kernel runs into the limit, it kills all of its processes: *oom*. Unlike that of a preset, this is reserved, too: the command starts where so much is not reserved by others.

*--disk*::
What files take, in its workspace and its /tmp together, from %v. Writing more fails with EDQUOT or ENOSPC, and a command that fails then has failed by this: *disk*.

*--open-files*::
Open files of each process, from %d to %d. Opening more fails with EMFILE.

*--processes*::
Processes and threads at a time, from 1 to %d. Starting more fails with EAGAIN, and a command that fails then has failed by this: *processes*.

*--timeout*::
Wall time, of each attempt. At the limit it is ended: *timeout*.

A task that a limit has ended is *failed*, by its timeout *timed_out*; octasklyctl run and octasklyctl wait say on stderr which limit it was, the most that was used of it, and the flag that raises it. octasklyctl show tells what a running attempt uses, as of a few seconds ago, and of one that is over the most that it has used.

A worker enforces the limits that octasklyctl worker show lists. What asks for another one waits until there is a worker that can.
`, strings.TrimSpace(presets.String()), units.Duration(octaskly.MinCPUTime), units.Size(octaskly.MinMemory), units.Size(octaskly.MinDisk),
		octaskly.MinOpenFiles, octaskly.MaxOpenFiles, octaskly.MaxProcesses)
}
