// Package worker connects to the dispatcher, offers what its machine has, hands
// attempts to the executor and reports what becomes of them.
//
// It keeps nothing of its own: what is queued, running or ended and not yet
// acknowledged is the executor's, and outlives a session. A worker that has lost
// its dispatcher lets commands run on and tries again, sooner at first; what it
// holds it says in its hello.
//
// One session is three parts: a reader that turns frames into calls of the
// executor, a reporter that sends what the executor reports, and the bulk
// channels, one goroutine each.
//
// # The lease
//
// A dispatcher gives up what a worker has when it has heard nothing of it for a
// whole lease L, and then has it run elsewhere. An attempt with Spec.AtMostOne
// must be dead before that, without anybody being able to ask.
//
//	executor                         dispatcher
//	  s: Pong n   ───────────────▶  r: heard; no lease ends before r+L
//	              ◀───────────────  Heard n
//	  trusted until s+L at least
//
// The executor's side of a session notes when each Pong and the hello leave, at
// s by its own clock. What is heard was sent before: s ≤ r, whatever the link did
// with it. The dispatcher counts a lease from the end of a session, which is
// later still, and after its own restart from then. So when Heard n comes, or the
// welcome, nothing that the executor held at s is given away before s+L, and it
// renews its lease as of s. Messages that are late, lost or repeated make the
// lease end earlier, never later. No two clocks are compared: each side measures
// a length, the executor by CLOCK_BOOTTIME, which counts the time for which a
// machine is suspended, and the last quarter of L is spare for clocks that run at
// different speeds.
//
// The executor then acts alone, whatever becomes of the worker's process and the
// network:
//
//	s+L/2     TERM to what runs; what waits is not started any more
//	s+3L/4    KILL to what runs; what waits is given back
//	s+13L/16  KILL once more, by another process
//
// Both end as cancelled, with reason "lease", and run again. Nothing of them can
// start later: what arrives when the lease is spent waits for the next renewal,
// and a renewal first does what the lease before it asked for. A worker that
// comes back says in its hello what it holds, and has by then ended what the
// dispatcher may have given away.
//
// That other process is the executor's guard, "octasklyd guard", which is there while
// something runs with Spec.AtMostOne. It is for an executor that cannot act, because
// it was killed or stopped. The argument for it is the same:
//   - An attempt starts only when the guard has answered that it watches it: by the
//     cgroup it will be in, which the guard holds open; without cgroups by the marks
//     in its environment, and as soon as it is there by its session and the time of
//     its start. There is no moment in which something runs unwatched.
//   - The guard is told s+13L/16 with each renewal, by CLOCK_BOOTTIME, which is one
//     clock for both. A word that is late or lost makes it kill earlier. What should
//     have been dead when a renewal comes is not saved by it.
//   - When the socket between the two closes, the executor is dead, and everything is
//     killed at once: nobody could report its end.
//   - When the moment passes, it kills until a living executor says that nothing is
//     left. The cgroup stays frozen: what an executor starts there that was stopped
//     between its last look at the lease and the fork does not get to its first
//     instruction. Without cgroups it gets some milliseconds, until the executor
//     itself sees the lease, or half a second, until the guard looks again.
//
// The guard is in a session of its own, or without cgroups a process group, deaf to
// TERM, INT and HUP. If it dies, or does not answer for five seconds, another one is
// told everything. An executor that executes itself anew hands it over.
//
// There are six heartbeats in a lease, and each renews it. So TERM needs a
// silence of two to three of them: with the lease of 30 s, 10 to 15 s. A heartbeat
// is 100 ms at least: a lease of a second is enough, one of 200 ms lets nothing
// live.
//
// It does not cover
//   - processes that KILL does not end at once, because they hang in the kernel
//     (uninterruptible sleep: a dead disk or NFS server), and, where there is no
//     cgroup2, those that have hidden;
//   - what a machine runs in the milliseconds after it was suspended, until the
//     timer has gone off; and a virtual machine whose host stops it in a way that
//     its CLOCK_BOOTTIME does not notice;
//   - an executor and its guard that are both killed or stopped, the one before it
//     has noticed the end of the other and told a new one (some ten milliseconds; five
//     seconds if the guard is stopped). As a unit, systemd cleans up after both; inside
//     "octasklyd worker" the next one does. A cgroup that is frozen as a whole has
//     its commands frozen as well, but runs them for some milliseconds when it thaws;
//   - a lease that the operator shortens, for workers that are out of touch while
//     the dispatcher starts with the new one: they go by what they were told.
package worker
