package api

// Jobs is GET /api/v1/tasks, the latest job first.
type Jobs struct {
	Tasks []Job `json:"tasks"`
}

// Elements is GET /api/v1/tasks/{id}/elements, in the order of their indices.
type Elements struct {
	Elements []Element `json:"elements"`
}

// Workers is GET /api/v1/workers.
type Workers struct {
	Workers []Worker `json:"workers"`
}

// Version is GET /api/v1/version.
type Version struct {
	Version string `json:"version"` // of the daemon
}

// Health is GET /health.
type Health struct {
	Status string `json:"status"` // ok
}

// SignalRequest is the body of POST /api/v1/tasks/{id}/signal.
type SignalRequest struct {
	Signal Signal `json:"signal"` // required
}

// Failure is the body of every answer that is not a success.
type Failure struct {
	Error Error `json:"error"`
}

// How many jobs or elements one list has: the default of its limit parameter,
// and the largest that may be asked for.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// OutputType is the content type of framed output, see package spool.
const OutputType = "application/vnd.octaskly.output"
