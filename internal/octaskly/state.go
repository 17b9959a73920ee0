package octaskly

import "fmt"

// State says where a task, or a job as the sum of its tasks, stands.
// The numbers are stored: never renumber them.
type State uint8

const (
	Queued    State = 1 // waits for room on a worker, or for its retry's time
	Assigned  State = 2 // sent to a worker, which has not confirmed its start
	Running   State = 3 // its command executes
	Completed State = 4 // exit code 0
	Failed    State = 5 // any other end of its own, see Reason
	TimedOut  State = 6 // ended by its wall time limit
	Cancelled State = 7 // ended by a user
)

// States lists every state in the order of a task's life.
var States = []State{Queued, Assigned, Running, Completed, Failed, TimedOut, Cancelled}

var stateNames = map[State]string{
	Queued: "queued", Assigned: "assigned", Running: "running", Completed: "completed",
	Failed: "failed", TimedOut: "timed_out", Cancelled: "cancelled",
}

// Terminal reports whether nothing but an explicit retry follows s.
func (s State) Terminal() bool { return s >= Completed }

func (s State) String() string {
	if name, ok := stateNames[s]; ok {
		return name
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// ParseState reads the name that String gives.
func ParseState(name string) (State, error) {
	for _, s := range States {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("cannot read state %q: it is none of %v", name, States)
}

func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s *State) UnmarshalText(text []byte) (err error) {
	*s, err = ParseState(string(text))
	return err
}
