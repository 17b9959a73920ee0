package api

import (
	"encoding/base64"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Text is a string of bytes. In JSON it is a string where it is valid UTF-8,
// else {"base64": "…"}: file names and arguments need not be text.
type Text string

type base64Text struct {
	Base64 *string `json:"base64"`
}

func (t Text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	b := base64.StdEncoding.EncodeToString([]byte(t))
	return json.Marshal(base64Text{&b})
}

func (t *Text) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, (*string)(t))
	}
	var b base64Text
	if decodeJSON(data, &b) != nil || b.Base64 == nil {
		return badValue(data, t)
	}
	raw, err := base64.StdEncoding.DecodeString(*b.Base64)
	if err != nil {
		return badValue(data, t)
	}
	*t = Text(raw)
	return nil
}

// Seconds is a duration in JSON: a number of seconds with a fraction.
type Seconds time.Duration

func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(s).Seconds())
}

func (s *Seconds) UnmarshalJSON(data []byte) error {
	var f float64
	if err := json.Unmarshal(data, &f); err != nil || f < 0 || f > octaskly.MaxTimeout.Seconds() {
		return badValue(data, s)
	}
	*s = Seconds(f * float64(time.Second))
	return nil
}

// Submission is the body of POST /api/v1/tasks. Only Argv is required.
type Submission struct {
	Name string `json:"name,omitempty"`
	Argv []Text `json:"argv"`
	Env  []Text `json:"env,omitempty"` // "NAME=value"
	// SecretEnv is further environment, "NAME=value" each. It is kept sealed, and nobody
	// but the command sees it: what is shown has octaskly.Redacted for values.
	SecretEnv []Text `json:"secret_env,omitempty"`

	Cwd     Text          `json:"cwd,omitempty"`
	Stdin   octaskly.Blob `json:"stdin,omitempty"` // uploaded before, see PUT /api/v1/blobs/{hash}
	Items   octaskly.Blob `json:"items,omitempty"` // one line for each element
	Array   string        `json:"array,omitempty"` // ranges of indices, "0-99:2"
	AtOnce  int           `json:"at_once,omitempty"`
	Timeout *Seconds      `json:"timeout,omitempty"` // 0 is none
	Retries int           `json:"retries,omitempty"`
	Backoff *Seconds      `json:"backoff,omitempty"` // default 1 s
	Merge   bool          `json:"merge,omitempty"`
	CPUs    float64       `json:"cpus,omitempty"`
	Memory  int64         `json:"memory,omitempty"` // bytes, reserved and at most
	Key     string        `json:"idempotency_key,omitempty"`

	// What is left unsaid of these and of Timeout, the dispatcher's configuration says.
	Sandbox       string  `json:"sandbox,omitempty"` // a level by its name
	Limits        *Limits `json:"limits,omitempty"`
	Network       string  `json:"network,omitempty"` // none or host
	KeepWorkspace bool    `json:"keep_workspace,omitempty"`

	// AtMostOne: a worker that is out of touch stops it before it runs elsewhere.
	AtMostOne bool `json:"at_most_one,omitempty"`
}

// Limits of a Submission: a preset and what differs from it. 0 is no limit.
type Limits struct {
	Preset    string   `json:"preset,omitempty"`
	CPUTime   *Seconds `json:"cpu_time,omitempty"`
	Memory    *int64   `json:"memory,omitempty"` // bytes, not reserved
	Disk      *int64   `json:"disk,omitempty"`   // bytes
	OpenFiles *int64   `json:"open_files,omitempty"`
	Processes *int64   `json:"processes,omitempty"`
}

// Usage is what an attempt uses or has used; what is missing is not known.
type Usage struct {
	CPUTime       Seconds `json:"cpu_time,omitempty"`
	Memory        int64   `json:"memory,omitempty"` // bytes
	MemoryPeak    int64   `json:"memory_peak,omitempty"`
	Processes     int64   `json:"processes,omitempty"`
	ProcessesPeak int64   `json:"processes_peak,omitempty"`
	Read          int64   `json:"read_bytes,omitempty"`
	Written       int64   `json:"written_bytes,omitempty"`
	Disk          int64   `json:"disk,omitempty"` // bytes
	DiskPeak      int64   `json:"disk_peak,omitempty"`
}

// Accepted answers a submission. Ids are strings in JSON.
type Accepted struct {
	ID    string `json:"id"`
	Tasks int64  `json:"tasks"`
	// Repeated: the idempotency key was used before; ID is that earlier job.
	Repeated bool `json:"repeated,omitempty"`
}

// Job is one line of a list.
type Job struct {
	ID          string           `json:"id"`
	Owner       string           `json:"owner"`
	Name        string           `json:"name,omitempty"`
	State       octaskly.State   `json:"state"`
	Reason      octaskly.Reason  `json:"reason,omitempty"` // of a plain job's task
	Detail      string           `json:"detail,omitempty"`
	Exit        *int             `json:"exit_code,omitempty"` // what run and wait exit with, once over
	Command     []Text           `json:"command"`
	Array       string           `json:"array,omitempty"`
	Tasks       int64            `json:"tasks"`
	Counts      map[string]int64 `json:"counts"` // tasks by state, zeroes left out
	SubmittedAt time.Time        `json:"submitted_at"`
	StartedAt   *time.Time       `json:"started_at,omitempty"` // of a plain job's task
	EndedAt     *time.Time       `json:"ended_at,omitempty"`
	Worker      string           `json:"worker,omitempty"` // its name, of a plain job's task
	Rate        float64          `json:"rate,omitempty"`   // of an array that goes on: tasks that end in a second, of late
	Left        *Seconds         `json:"left,omitempty"`   // how long it takes at that rate
}

// Detail is all that is known of a job, or of one element of an array job.
type Detail struct {
	Job
	Submission Submission `json:"submission"`
	Queued     string     `json:"queued,omitempty"`          // elements that never left the queue, as ranges
	Dropped    string     `json:"dropped,omitempty"`         // elements cancelled before they left it
	Failed     []Element  `json:"failed_elements,omitempty"` // of an array: the first that failed or timed out
	Waits      string     `json:"waits,omitempty"`           // what a queued task waits for, for people
	Attempts   []Attempt  `json:"attempts,omitempty"`
	Failures   int        `json:"failures,omitempty"` // that count against retries
	NotBefore  *time.Time `json:"not_before,omitempty"`
	Cancelling bool       `json:"cancelling,omitempty"`
}

// Attempt is one execution.
type Attempt struct {
	Number     int             `json:"number"`
	State      octaskly.State  `json:"state"`
	Reason     octaskly.Reason `json:"reason,omitempty"`
	Detail     string          `json:"detail,omitempty"`
	Worker     string          `json:"worker"`
	AssignedAt time.Time       `json:"assigned_at"`
	StartedAt  *time.Time      `json:"started_at,omitempty"`
	EndedAt    *time.Time      `json:"ended_at,omitempty"`
	CPUTime    Seconds         `json:"cpu_time,omitempty"`
	MaxRSS     int64           `json:"max_rss,omitempty"` // bytes
	Stdout     int64           `json:"stdout_bytes"`
	Stderr     int64           `json:"stderr_bytes"`
	Discarded  int64           `json:"discarded_bytes,omitempty"` // output past its bound
	Leftover   bool            `json:"leftover_killed,omitempty"` // processes outlived the command
	Usage      *Usage          `json:"usage,omitempty"`           // while it runs, as of a few seconds ago
	Limit      float64         `json:"limit,omitempty"`           // that Reason names: seconds, bytes or processes
	Peak       float64         `json:"peak,omitempty"`            // of what it limits
	Workspace  string          `json:"workspace,omitempty"`       // on the worker, kept
	LostAt     *time.Time      `json:"lost_at,omitempty"`         // given up then; its worker may yet be back with it
	Late       *Late           `json:"late,omitempty"`            // what its worker said when it had been given up
}

// Late is the end that came of an attempt after a newer one had been opened. It
// has changed nothing.
type Late struct {
	State   octaskly.State  `json:"state"`
	Reason  octaskly.Reason `json:"reason,omitempty"`
	EndedAt time.Time       `json:"ended_at"`
}

// Element is one line of GET /api/v1/tasks/{id}/elements.
type Element struct {
	ID      string          `json:"id"`
	State   octaskly.State  `json:"state"`
	Reason  octaskly.Reason `json:"reason,omitempty"`
	Detail  string          `json:"detail,omitempty"`
	Exit    *int            `json:"exit_code,omitempty"`
	Attempt int             `json:"attempt"`
	Worker  string          `json:"worker,omitempty"`
}

// Outcome says, id by id, what a cancel, signal or retry did.
type Outcome struct {
	Done    int64    `json:"done"`              // tasks that it reached
	Already []string `json:"already,omitempty"` // ids that it did not apply to: over, or not over
}

// Worker is one line of GET /api/v1/workers.
type Worker struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	State   string `json:"state"`           // connected, stopping, away (its lease still runs), left (it said goodbye) or lost
	Drain   *Drain `json:"drain,omitempty"` // it gets no new tasks
	Address string `json:"address,omitempty"`

	Transport string     `json:"transport,omitempty"` // tcp or quic, while it is connected
	Since     *time.Time `json:"connected_at,omitempty"`
	RoundTrip Seconds    `json:"round_trip,omitempty"` // of a heartbeat over its control channel, smoothed

	Version  string  `json:"version"`
	Slots    int     `json:"slots"`
	Running  int     `json:"running"`
	Assigned int     `json:"assigned"` // sent, not started
	CPUs     float64 `json:"cpus"`
	Memory   int64   `json:"memory"` // bytes

	CPUsReserved   float64 `json:"cpus_reserved,omitempty"` // by what it has, of CPUs and Memory
	MemoryReserved int64   `json:"memory_reserved,omitempty"`
	CPUsUsed       float64 `json:"cpus_used,omitempty"`   // by what runs, as of a few seconds ago
	MemoryUsed     int64   `json:"memory_used,omitempty"` // bytes, likewise

	Features []string  `json:"features"`
	Contains string    `json:"contains"` // see Containment
	SeenAt   time.Time `json:"seen_at"`

	Levels      []string `json:"levels"` // sandbox levels that held in its self-test
	Limits      []string `json:"limits"` // that it enforces
	HostNetwork bool     `json:"host_network"`
	Checks      []Check  `json:"checks,omitempty"` // only in GET /api/v1/workers/{worker}

	Waiting string `json:"waiting,omitempty"` // for what, while it joins, and what an operator is to type; only a worker says so, of itself
}

// Drain is an operator's word that a worker gets no new tasks.
type Drain struct {
	By       string     `json:"by"`
	At       time.Time  `json:"at"`
	Reason   string     `json:"reason,omitempty"`
	Deadline *time.Time `json:"deadline,omitempty"` // what still runs then is stopped, and runs elsewhere
}

// DrainRequest is the body of POST /api/v1/workers/{worker}/drain.
type DrainRequest struct {
	Reason   string   `json:"reason,omitempty"`
	Deadline *Seconds `json:"deadline,omitempty"` // from now; without one, what runs may take its time
}

// Check is one line of a worker's self-test.
type Check struct {
	Subject string `json:"subject"` // what stands or falls with it: "level:strict", "limit:memory"
	Name    string `json:"name"`
	What    string `json:"what,omitempty"`
	Held    bool   `json:"held"`
	Why     string `json:"why,omitempty"` // not
}

// Stats is GET /api/v1/stats. Everybody's tasks that have ended are counted since there
// is a database, an owner's while their jobs are kept.
type Stats struct {
	Owner     string           `json:"owner,omitempty"`      // whose tasks and jobs these are; missing: everybody's
	CountedAt *time.Time       `json:"counted_at,omitempty"` // an owner's
	Tasks     map[string]int64 `json:"tasks"`                // by state, all states named
	Jobs      int64            `json:"jobs_live"`
	Version   string           `json:"version"`
	Fleet     string           `json:"fleet"`
	StartedAt time.Time        `json:"started_at"`
	Waiting   []Waiting        `json:"waiting,omitempty"` // what queued tasks wait for, the most frequent first
	*FleetStats
	*StoreStats
}

// Waiting is how many queued tasks wait for one thing: slots, used (a resource of
// which too little is free), reserved, lacks (a feature that no worker offers),
// small (none has as much of a resource), no-slots, no-worker, at-once, quota,
// backoff, or later (they are still on disk).
type Waiting struct {
	Why   string `json:"why"`
	Of    string `json:"of,omitempty"`
	Tasks int64  `json:"tasks"`
}

// FleetStats is the part of Stats for who may see workers.
type FleetStats struct {
	Workers int `json:"workers_connected"`
	Slots   int `json:"slots"`
	Busy    int `json:"slots_busy"`

	Rate float64 `json:"rate,omitempty"` // everybody's tasks that end in a second, of late
}

// StoreStats is the part of Stats that goes with everybody's figures.
type StoreStats struct {
	Database  int64      `json:"database_bytes"`
	Output    int64      `json:"output_bytes"`                  // of outputs in files
	Inputs    int64      `json:"inputs_bytes"`                  // of uploaded inputs
	Removed   int64      `json:"jobs_collected"`                // that ended and are no longer kept, since StartedAt
	CheckedAt *time.Time `json:"database_checked_at,omitempty"` // when all of it was found sound, since StartedAt
	Damage    *Damage    `json:"damage,omitempty"`              // of the database, in the last 30 days
}

// Damage tells what was lost with a damaged database, and what was saved.
type Damage struct {
	At    time.Time `json:"at"`
	Lines []string  `json:"lines"` // for people
}

// Error is the body of every answer that is not a success.
type Error struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
	Lasting bool   `json:"lasting,omitempty"` // of "full": a limit that is reached, not one of a rate
}
