package main

// What happens when something stops, in the words of those who wait for a task.
const manualOutages = `
The dispatcher trusts a worker that it cannot reach for a lease, which is 30 seconds unless _limits.lease_ of its configuration says otherwise. Of the machines and the network between them, any may fail at any time:

*The dispatcher is away*::
Nothing is lost, and what runs goes on. octasklyctl run, wait and logs --follow say so, wait up to 15 minutes for it and go on where they were; other commands exit with 69. One that has too much to do, or is asked too often, is waited for half a minute, by all commands. If octasklyctl run is interrupted meanwhile, it leaves after some seconds, and says whether the task could be cancelled.

*A worker is away*::
Its tasks are shown as they were until its lease has ended, and are then queued again: they run elsewhere as soon as there is room. A worker that is back before that has its tasks still, and their results count. When another attempt has begun, what the first worker says later changes nothing: it is shown by octasklyctl show, and its output by octasklyctl logs --attempt. So without --at-most-one, a command may run in two places for a while; it can tell by *OCTASKLY_ATTEMPT*. A task whose worker went away five times while it ran has failed, with *worker-lost×5*.

*--at-most-one*::
No two attempts ever run at the same time, even where a network falls apart: a worker that has not reached the dispatcher for half a lease stops the command, by TERM and soon by KILL, before the dispatcher would start another attempt. If that worker, or the executor that runs its commands, is itself killed or frozen, its guard kills the command, which is a small process beside it. There are two exceptions: a process that hangs in the kernel, as on a dead disk, which dies when it can; and on a machine without cgroup2, one that has hidden from its task. The price is that an outage of the dispatcher that is longer than half a lease stops it as well; it then runs again. That counts neither as a failure nor as a loss.

*A worker is drained, stopped or upgraded by its operator*::
octasklyctl worker drain keeps new tasks from it, and takes back what it has not started. What runs goes on until the deadline, if there is one. What is stopped then, or because the worker is, runs again elsewhere, as *released*. An upgrade stops nothing.

A job that has ended is kept, with its output, for as long as _[retention]_ of the dispatcher's configuration says. After that, commands that name it exit with 66; its id is never used again. Outputs may go before that, when they take more room than they may.
`
