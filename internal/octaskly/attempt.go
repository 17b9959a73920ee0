package octaskly

import "time"

// End is what a worker reports of an attempt that is over. At that time no
// process of it is left.
type End struct {
	State     State         `cbor:"1,keyasint"` // Completed, Failed, TimedOut or Cancelled
	Reason    Reason        `cbor:"2,keyasint,omitempty"`
	Detail    string        `cbor:"3,keyasint,omitempty"`
	StartedAt time.Time     `cbor:"4,keyasint"` // zero: its command never executed
	EndedAt   time.Time     `cbor:"5,keyasint"`
	CPUTime   time.Duration `cbor:"6,keyasint,omitempty"` // of the command and the children it waited for
	MaxRSS    int64         `cbor:"7,keyasint,omitempty"` // bytes, the largest of these processes
	Leftover  bool          `cbor:"8,keyasint,omitempty"` // processes outlived the command and were killed
	Output    OutputSize    `cbor:"9,keyasint,omitempty"`
	Usage     Usage         `cbor:"10,keyasint,omitzero"`
	Limit     int64         `cbor:"11,keyasint,omitempty"` // that Reason names, in nanoseconds, bytes or processes
	Peak      int64         `cbor:"12,keyasint,omitempty"` // of what is limited, likewise
	Workspace string        `cbor:"13,keyasint,omitempty"` // path on the worker of what Spec.KeepWorkspace kept
}

// OutputSize measures an attempt's output.
type OutputSize struct {
	Stored    int64 `cbor:"1,keyasint,omitempty"` // bytes of the framed log
	Stdout    int64 `cbor:"2,keyasint,omitempty"`
	Stderr    int64 `cbor:"3,keyasint,omitempty"`
	Discarded int64 `cbor:"4,keyasint,omitempty"` // past the bound, or when the disk was full
}

// InlineOutput is the largest framed log that travels and is stored with its
// result. A longer one is a file of its own.
const InlineOutput = 64 << 10

// Attempt is the lasting record of one attempt that has ended.
type Attempt struct {
	ID         AttemptID
	Worker     WorkerID
	AssignedAt time.Time
	End        End
	Inline     []byte // framed output up to InlineOutput; nil: none, or in a file
	Seq        int64
	Late       Late // what came of it when a newer attempt had been opened; state 0: nothing did
}

// Late is what a worker said of an attempt that had been given up, and a newer
// one opened. It changes nothing; the attempt's output is what came with it.
type Late struct {
	State  State
	Reason Reason
	At     time.Time // when it ended
}

// WorkerID names a worker's state directory; it is random and never changes.
type WorkerID string

// Worker is what a dispatcher knows of one worker.
type Worker struct {
	ID       WorkerID
	Name     string
	Version  string
	Slots    int
	Room     Room
	Features []string // what a Spec may name in Needs, and how it contains its commands
	Address  string
	SeenAt   time.Time // when it last joined or left
	Checks   []Check   // of its latest self-test
	Left     bool      // it said goodbye, and has stopped all that it had
	Drain    *Drain    // nil: it takes new tasks
}

// Drain is an operator's word that a worker gets no new tasks.
type Drain struct {
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason,omitempty"`
	Deadline time.Time `json:"deadline,omitzero"` // what still runs then is stopped, and runs elsewhere
}

// Features that a worker may offer and a Spec may need.
const (
	KillCgroup     = "kill:cgroup"      // the end of a task is the end of every process of it
	KillBestEffort = "kill:best-effort" // there is no cgroup2 to make that sure

	LimitCPUTime   = "limit:cpu-time"
	LimitMemory    = "limit:memory"
	LimitDisk      = "limit:disk"
	LimitOpenFiles = "limit:open-files"
	LimitProcesses = "limit:processes"

	NetworkHost   = "network:host"   // boxes of levels strict and higher may have the machine's network
	KeepWorkspace = "keep-workspace" // Spec.KeepWorkspace
	AtMostOne     = "at-most-one"    // Spec.AtMostOne
	SecretEnv     = "secret-env"     // Spec.SecretNames

	levelPrefix = "level:"
)

// LimitFeatures are the features of all limits.
var LimitFeatures = []string{LimitCPUTime, LimitMemory, LimitDisk, LimitOpenFiles, LimitProcesses}
