package sandbox

import "github.com/octaskly/octaskly/internal/sandbox/plan"

// The steps of a Failure that are the task's own doing.
const (
	StepDirectory = plan.StepDirectory // its directory cannot be entered
	StepCommand   = plan.StepCommand   // its command cannot be found or executed
)
