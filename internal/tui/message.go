package tui

import (
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// What the feed tells the model. Each names what it is the answer to, so that one
// that comes too late is known.
type (
	gotStats struct{ stats *api.Stats }

	gotWorkers struct{ workers []api.Worker }

	gotJobs struct {
		of   jobsWant
		jobs []api.Job
	}
	gotDetail struct {
		of     string
		detail *api.Detail
	}
	gotElements struct {
		of       elementsWant
		elements []api.Element
	}
	gotWorker struct {
		of     string
		worker *api.Worker
	}
	// gotEvents adds events, or with anew begins with them.
	gotEvents struct {
		of     eventsWant
		events []api.Event
		anew   bool
	}
	// gotOutput adds complete lines; open are those that are not yet.
	gotOutput struct {
		of        outputWant
		lines     []line
		open      []line
		discarded int64
		anew      bool // it is read from its beginning
		over      bool // nothing more comes
	}
	gotLine struct{ line Line }

	// failed says that something could not be had, and when that is tried again.
	failed struct {
		what  subject
		err   error
		again time.Time
	}
	// done says what came of an act.
	done struct {
		act  act
		text string
		err  error
	}
)

// subject is one of the things that the feed asks for.
type subject string

const (
	aboutStats    subject = "stats"
	aboutWorkers  subject = "workers"
	aboutJobs     subject = "jobs"
	aboutEvents   subject = "events"
	aboutTask     subject = "the task"
	aboutElements subject = "elements"
	aboutOutput   subject = "output"
	aboutWorker   subject = "the worker"
)

// wants is what the model wants to know, besides stats. The zero value of each is:
// nothing.
type wants struct {
	often    bool // workers, as they are what is shown
	jobs     jobsWant
	events   eventsWant
	task     string // an id
	elements elementsWant
	output   outputWant
	worker   string // an id
	again    int    // grows where all of it is wanted at once
}

type jobsWant struct {
	wanted       bool
	all          bool // also those that ended long ago
	limit        int
	id           string // a selector
	state, owner string
}

type eventsWant struct {
	wanted       bool
	task, worker string
}

type elementsWant struct {
	job   string
	from  int64
	limit int
	state octaskly.State // 0: all
}

type outputWant struct {
	task string // an id
	turn int    // grows where it is wanted once more
}

// act is something to be done.
type act struct {
	verb   string // cancel, retry, drain or resume
	target string // an id
	name   string // for people
}
