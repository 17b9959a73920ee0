package protocol

import (
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Version is the protocol's version. It rises only with a change that fields
// cannot express; the lower of both sides' versions is then spoken.
const Version = 1

// FromWorker is one batch from a worker.
type FromWorker struct {
	Hello    *Hello               `cbor:"1,keyasint,omitempty"`
	Started  []Started            `cbor:"2,keyasint,omitempty"`
	Finished []Finished           `cbor:"3,keyasint,omitempty"`
	Recalled []octaskly.AttemptID `cbor:"4,keyasint,omitempty"` // given back, never started
	Pong     uint64               `cbor:"5,keyasint,omitempty"` // the Ping it answers
	Goodbye  bool                 `cbor:"6,keyasint,omitempty"` // it has stopped all it had, and leaves
	Usage    []Usage              `cbor:"7,keyasint,omitempty"` // after a Pong: of what runs
	Leaving  bool                 `cbor:"8,keyasint,omitempty"` // it stops, takes nothing more, and says goodbye when all has ended
	Callers  []Caller             `cbor:"9,keyasint,omitempty"` // who are they? Only to whom Welcome.Callers says so
}

// MaxCallers bounds the Callers of one worker that are not answered yet.
const MaxCallers = 64

// Caller is somebody at a worker's own door, who shows a token that only the
// dispatcher can judge.
type Caller struct {
	Number     uint64 `cbor:"1,keyasint"` // of the question
	Token      string `cbor:"2,keyasint"`
	From       string `cbor:"3,keyasint"`           // his address
	Action     string `cbor:"4,keyasint"`           // what he asks for, as the audit log calls it
	Permission uint32 `cbor:"5,keyasint,omitempty"` // that this takes, see package auth: so that a refusal is audited
}

// Identity answers a Caller.
type Identity struct {
	Number  uint64        `cbor:"1,keyasint"`
	User    string        `cbor:"2,keyasint,omitempty"`
	Role    octaskly.Role `cbor:"3,keyasint,omitempty"`
	Token   string        `cbor:"4,keyasint,omitempty"` // its id
	Refused string        `cbor:"5,keyasint,omitempty"` // why it is nobody's
	Busy    bool          `cbor:"6,keyasint,omitempty"` // there were too many questions at once
}

// Hello introduces a worker.
type Hello struct {
	Version    int               `cbor:"1,keyasint"`
	Worker     octaskly.WorkerID `cbor:"2,keyasint"`
	Name       string            `cbor:"3,keyasint"`
	Software   string            `cbor:"4,keyasint"` // version of the program
	Slots      int               `cbor:"5,keyasint"`
	Room       octaskly.Room     `cbor:"6,keyasint"`
	Features   []string          `cbor:"7,keyasint,omitempty"`
	Fleet      string            `cbor:"8,keyasint,omitempty"` // with Generation: whose attempts it holds
	Generation string            `cbor:"9,keyasint,omitempty"`
	Held       []Held            `cbor:"10,keyasint,omitempty"`
	Checks     []octaskly.Check  `cbor:"11,keyasint,omitempty"` // of the self-test that Features follow from
}

// Usage is what a running attempt uses.
type Usage struct {
	ID    octaskly.AttemptID `cbor:"1,keyasint"`
	Usage octaskly.Usage     `cbor:"2,keyasint"`
}

// Held is an attempt that a worker has and the dispatcher has not acknowledged
// the end of.
type Held struct {
	ID        octaskly.AttemptID `cbor:"1,keyasint"`
	State     octaskly.State     `cbor:"2,keyasint"` // Assigned, Running or, for any end, Completed
	StartedAt time.Time          `cbor:"3,keyasint"`
}

// Started says that an attempt's command executes.
type Started struct {
	ID octaskly.AttemptID `cbor:"1,keyasint"`
	At time.Time          `cbor:"2,keyasint"`
}

// Finished says how an attempt ended. It is repeated in every new session until
// it is acknowledged. Output up to octaskly.InlineOutput bytes rides along.
type Finished struct {
	ID     octaskly.AttemptID `cbor:"1,keyasint"`
	End    octaskly.End       `cbor:"2,keyasint"`
	Output []byte             `cbor:"3,keyasint,omitempty"`
}

// ToWorker is one batch from the dispatcher.
type ToWorker struct {
	Welcome *Welcome             `cbor:"1,keyasint,omitempty"`
	Specs   []JobSpec            `cbor:"2,keyasint,omitempty"`
	Assign  []Assign             `cbor:"3,keyasint,omitempty"`
	Stop    []Stop               `cbor:"4,keyasint,omitempty"`
	Recall  []octaskly.AttemptID `cbor:"5,keyasint,omitempty"` // give back what has not started
	Signal  []Signal             `cbor:"6,keyasint,omitempty"`
	Fetch   []Fetch              `cbor:"7,keyasint,omitempty"`
	Ack     []octaskly.AttemptID `cbor:"8,keyasint,omitempty"` // ends that are durable: forget them
	Forget  []octaskly.JobID     `cbor:"9,keyasint,omitempty"` // specs that will not be used again
	Ping    uint64               `cbor:"10,keyasint,omitempty"`
	Heard   uint64               `cbor:"11,keyasint,omitempty"` // the latest Pong that has come: when it was sent, the lease was running
	Callers []Identity           `cbor:"12,keyasint,omitempty"` // who they are that the worker has asked about
}

// Welcome accepts a worker, or says why not.
type Welcome struct {
	Version    int           `cbor:"1,keyasint"`
	Fleet      string        `cbor:"2,keyasint"`
	Generation string        `cbor:"3,keyasint"` // attempts of another one are to be dropped
	Refused    string        `cbor:"4,keyasint,omitempty"`
	Heartbeat  time.Duration `cbor:"5,keyasint"` // a Ping comes at least so often
	MaxOutput  int64         `cbor:"6,keyasint"` // bytes kept of each stream
	// Name is how the fleet calls the worker, from the worker to its executor.
	Name string `cbor:"7,keyasint,omitempty"`
	// Lease is how long the worker is trusted after its latest word. It answers
	// the hello, and so runs from when that was sent. 0: an older dispatcher's.
	Lease time.Duration `cbor:"8,keyasint,omitempty"`
	// Callers: this dispatcher answers who the callers at a worker's door are.
	Callers bool `cbor:"9,keyasint,omitempty"`
	// Workers is how many the fleet has, so that they do not all come back at once.
	Workers int `cbor:"10,keyasint,omitempty"`
}

// JobSpec carries a job's spec once per session, before its first assignment.
type JobSpec struct {
	Job     octaskly.JobID `cbor:"1,keyasint"`
	Version int            `cbor:"2,keyasint"`
	Spec    []byte         `cbor:"3,keyasint"`
	Array   bool           `cbor:"4,keyasint,omitempty"`
	// Secrets are what Spec.Sealed has, opened: "NAME=value" for each of its
	// SecretNames. They are for the environment of its commands alone.
	Secrets []string `cbor:"5,keyasint,omitempty"`
}

// Assign gives attempts to a worker: one for each element, all of one number.
type Assign struct {
	Job      octaskly.JobID  `cbor:"1,keyasint"`
	Elements octaskly.Ranges `cbor:"2,keyasint"`
	Attempt  int             `cbor:"3,keyasint"`
	Items    []string        `cbor:"4,keyasint,omitempty"` // one per element, when the spec has Items
}

// Stop ends an attempt: TERM, a grace period, KILL.
type Stop struct {
	ID octaskly.AttemptID `cbor:"1,keyasint"`
	// Drop: the dispatcher has given this attempt up; kill it, forget it and
	// report nothing.
	Drop bool `cbor:"2,keyasint,omitempty"`
}

// Signal sends a signal to an attempt's process group.
type Signal struct {
	ID     octaskly.AttemptID `cbor:"1,keyasint"`
	Number int                `cbor:"2,keyasint"`
}

// Fetch asks for an attempt's output, followed until its end, from a byte of
// its framed log. The channel that answers it repeats it.
type Fetch struct {
	ID   octaskly.AttemptID `cbor:"1,keyasint"`
	From int64              `cbor:"2,keyasint"`
	Size int64              `cbor:"3,keyasint,omitempty"` // in the answer: of the log by then
}

// BulkHeader opens a bulk channel.
type BulkHeader struct {
	Output *Fetch        `cbor:"1,keyasint,omitempty"` // the worker sends this output
	Blob   octaskly.Blob `cbor:"2,keyasint,omitempty"` // the dispatcher sends this blob
	Renew  bool          `cbor:"3,keyasint,omitempty"` // the dispatcher sends a Renewed
}
