// Package dispatcher accepts jobs, keeps them on disk, decides which worker
// runs what, and keeps the results.
//
// One goroutine, the core, owns the queue, the registry of workers and the
// writing side of the store. Everything else (requests, sessions, timers) sends
// it events, which are functions of the core. Its loop:
//
//	take the events that are there ─▶ change memory ─▶ place waiting tasks
//	     ▲                                                    │
//	     └── replies and frames go out ◀── commit, fsync ◀────┘
//
// What leaves the dispatcher does so after the commit that makes it true:
// an id that is answered, an attempt that is sent, an end that is acknowledged.
// A commit gathers all that came in while the one before it was written. Ends
// of tasks may wait a little for company; whatever somebody waits for does not.
//
// Of the jobs that are not over, memory holds those of which a task has left the
// queue, and some thousands of the others, the oldest. The rest is the backlog, see
// backlog.go: it is counted, and read when its turn comes. So a job that is not in
// memory need not be over: core.find knows.
//
// Should a commit fail, memory is thrown away and loaded again from the store,
// as after a restart: whoever waited for that commit hears why, and workers
// join anew and repeat what they have to say.
//
// Losing a worker takes two steps. After a lease of silence its attempts are
// missed: their tasks wait for another worker, and go on where they were if their
// own is back first, even with the end. Once another attempt is open, the missed
// one has its row in results, and what its worker may yet say of it is kept apart
// there. All that waits for a time, leases too, goes by the monotonic clock.
//
// Reading requests (list, show, output) go to the store; the core is asked only
// for what is nowhere else: what a task waits for, what it uses, who is connected.
//
// A job's level and limits are resolved before it gets to the core, by the policy
// and by what the known workers had in common when the core last looked. The
// spec that is stored says it all; nothing is decided anew later.
package dispatcher
