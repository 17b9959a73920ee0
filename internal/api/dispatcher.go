package api

import (
	"context"
	"io"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Caller is who makes a request.
type Caller struct {
	Name  string        // a job's owner; empty: not known
	Role  octaskly.Role // what he may do, see package auth
	Admin bool          // may see and change what others own: auth.AllTasks
	UID   int           // of the process at the other end of the Unix socket; else -1
	Token string        // the id of the token he has shown; empty on the Unix socket
	From  string        // "unix uid=1000", or an IP address
	// Act is what the request is in the audit log. Who changes anything for it
	// writes it in the same commit and says so by Written; of the rest the handler
	// takes care, before it answers. Nil: not audited.
	Act *Act
}

// Act is an action that is about to be written.
type Act struct {
	octaskly.Action
	Written bool
}

// Selection is the tasks that a selector such as "1-10:2,15", "42.3-7", "last"
// or "all" names: whole jobs, or elements of one.
type Selection struct {
	Jobs     octaskly.Ranges // of job ids; elements of each below
	Elements octaskly.Ranges // nil: all elements
	Last     bool            // the caller's latest job
	All      bool            // all jobs of the caller that are not over
	Everyone bool            // with All: of every user (admins only)
}

// Filter narrows a list of jobs.
type Filter struct {
	Select *Selection
	States []octaskly.State // none: every state
	All    bool             // also those that ended long ago
	Limit  int
	Before octaskly.JobID // older than this one
	Owner  string         // empty: everyone's
}

// Order is a submission in the nouns of the system. Wish is what it says of
// isolation and limits; the Spec has none of that until the dispatcher resolves
// it.
type Order struct {
	Job  octaskly.Job
	Spec octaskly.Spec
	Wish octaskly.Wish
	// Secrets are the environment that Spec.SecretNames names, "NAME=value" each. The
	// dispatcher seals them.
	Secrets []string
}

// Dispatcher is what the API needs of a dispatcher. Its errors are, or wrap,
// *octaskly.FieldError and the sentinels of package octaskly.
type Dispatcher interface {
	// Submit returns once the job is on disk. Where the spec has items, it sets
	// the job's Elements, which come as nil: one for each line.
	Submit(context.Context, Caller, *Order) (id octaskly.JobID, repeated bool, err error)
	// Cancel, Signal and Retry return once the wish is on disk or sent on.
	Cancel(ctx context.Context, who Caller, what Selection, reason string) (Outcome, error)
	Signal(ctx context.Context, who Caller, what Selection, signal int) (Outcome, error)
	Retry(ctx context.Context, who Caller, what Selection) (Outcome, error)

	Jobs(context.Context, Caller, Filter) ([]Job, error)
	// Show tells of a job, or of one element where the id names one.
	Show(context.Context, Caller, octaskly.TaskID) (*Detail, error)
	// Why explains where a job or element is, and what would change that.
	Why(context.Context, Caller, octaskly.TaskID) (*Why, error)
	// Elements lists elements of an array that have left the queue, by index.
	Elements(ctx context.Context, who Caller, id octaskly.JobID, states []octaskly.State, from octaskly.Index, limit int) ([]Element, error)
	// Watch yields the job each time it has changed, until it is over, at most
	// ten times a second; the first at once.
	Watch(ctx context.Context, who Caller, id octaskly.TaskID, yield func(*Job) error) error
	// Output is the framed output (package spool) of the latest attempt that
	// has any, or of the one numbered. Of a whole array job it is the output of
	// its elements in the order of their indices. With follow it ends when the task has.
	Output(ctx context.Context, who Caller, id octaskly.TaskID, attempt int, follow bool) (io.ReadCloser, error)

	// PutBlob stores what r gives until its end under its SHA-256, which must be hash.
	PutBlob(ctx context.Context, who Caller, hash octaskly.Blob, r io.Reader) error
	// HasBlob reports whether PutBlob may be left out: the caller has uploaded it, or
	// has a job that reads it.
	HasBlob(context.Context, Caller, octaskly.Blob) (bool, error)

	Workers(context.Context, Caller) ([]Worker, error)
	// Worker tells of one worker, by its id or name, with its Checks.
	Worker(ctx context.Context, who Caller, name string) (*Worker, error)
	// Drain, Resume and RemoveWorker return once the wish is on disk, and tell of
	// the worker as it is then. Draining one that is drained replaces reason and
	// deadline, and resuming one that is not changes nothing.
	Drain(ctx context.Context, who Caller, name string, how DrainRequest) (*Worker, error)
	Resume(ctx context.Context, who Caller, name string) (*Worker, error)
	// RemoveWorker forgets a worker, ends its session at once, and keeps it out until
	// it is approved again. What it had runs elsewhere at once.
	RemoveWorker(ctx context.Context, who Caller, name string) (*Worker, error)
	// Events are those that the caller may see: of all tasks only where he may see
	// those. A page may have fewer than its limit, or none, and yet there are more.
	Events(context.Context, Caller, EventQuery) (*Events, error)
	// FollowEvents yields events as they happen, with the place up to which there are no
	// others: first where it begins, then now and then without events.
	FollowEvents(ctx context.Context, who Caller, q EventQuery, yield func([]Event, Cursor) error) error
	// Stats sums up what an owner has; empty: everybody, where the caller may see that.
	Stats(ctx context.Context, who Caller, owner string) (*Stats, error)
}

// BodyTimeout bounds how long a request's body may take to arrive.
const BodyTimeout = 5 * time.Minute
