// Package octaskly holds the nouns of the system and the rules between them:
// jobs, tasks, attempts, states and reasons. It does no I/O.
//
// A job is one submission: a [Spec] and the [Ranges] of its elements. A task is
// one command to run: the only element of a plain job (id "42") or one element
// of an array job (id "42.7"). An attempt is one execution of a task on one
// worker; its number, counted from 1, is the fencing token of everything that
// is said about it.
//
// A task's life:
//
//	queued ──▶ assigned ──▶ running ──▶ completed
//	  ▲           │            │        failed
//	  └─ recalled ┴─ lost, retry        timed_out
//	                                    cancelled
//
// How a command is isolated and bounded is resolved once, when it is submitted:
// the [Wish] of the submission by the [Policy] of the operator, into the Spec.
//
// Task's methods (life.go) are the only code that moves a task from one state
// to another. Each takes the number of the attempt it speaks about and changes
// nothing when that attempt is no longer the current one.
package octaskly
