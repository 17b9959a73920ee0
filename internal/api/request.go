package api

import (
	"fmt"
	"net/http"
	"unicode"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// request is a request of a known caller. Its methods read one part each and
// keep the first error in bad, which the handler returns before it acts.
type request struct {
	*http.Request
	*params
	api   *Handler
	route route
	who   Caller
	body  *body
	begun bool // its handler was called
}

// checkHeaders refuses what would not be heeded.
func (r *request) checkHeaders() error {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return fmt.Errorf("cannot read a body in Content-Encoding %.40q; send it as it is: %w", coding, errEncoding)
	}
	for _, name := range []string{"If-Match", "If-Unmodified-Since"} {
		if _, sent := r.Header[name]; sent && r.route.changes() {
			return &octaskly.FieldError{Field: name, Why: "it goes with GET only; nothing here changes on a condition"}
		}
	}
	if _, sent := r.Header[keyHeader]; sent && r.route.changes() && r.route.action != submitTask {
		return &octaskly.FieldError{Field: keyHeader, Why: "it goes with POST /api/v1/tasks only"}
	}
	return nil
}

// maxReason bounds a cancel's reason, in bytes.
const maxReason = 1024

func (r *request) task() octaskly.TaskID {
	id, err := octaskly.ParseTaskID(r.PathValue("id"))
	r.blame("id", err)
	return id
}

// job is the id of a whole job.
func (r *request) job() octaskly.JobID {
	id := r.task()
	if id.Array {
		r.blame("id", fmt.Errorf("%v is one element; its job is %v", id, id.Job))
	}
	return id.Job
}

// selection is what the path selects.
func (r *request) selection() Selection {
	s, err := ParseSelection(r.PathValue("id"))
	r.blame("id", err)
	return r.ofEveryone(s)
}

// filter is what the parameters of a list say.
func (r *request) filter() Filter {
	f := Filter{
		States: r.states("state"),
		All:    r.flag("all"),
		Limit:  int(r.number("limit", 1, MaxLimit, DefaultLimit)),
		Before: octaskly.JobID(r.number("before", 1, maxNumber, 0)),
		Owner:  r.owner(),
	}
	text := r.values.Get("select")
	if text == "" {
		r.ofEveryone(Selection{})
		return f
	}
	s, err := ParseSelection(text)
	r.blame("select", err)
	s = r.ofEveryone(s)
	f.Select = &s
	return f
}

// owner is whose jobs are asked for: everybody's only by an admin.
func (r *request) owner() string {
	owner := r.text("owner", octaskly.MaxName)
	if r.who.Admin {
		return owner
	}
	if owner != "" && owner != r.who.Name {
		r.refuse(fmt.Errorf("cannot see the tasks of %q: %w", owner, octaskly.ErrDenied))
	}
	return r.who.Name
}

func (r *request) ofEveryone(s Selection) Selection {
	s.Everyone = r.flag("all_users")
	switch {
	case !s.Everyone:
	case !s.All:
		r.blame("all_users", fmt.Errorf("it goes with the selector all only"))
	case !r.who.Admin:
		r.refuse(fmt.Errorf("cannot select the jobs of all users: %w", octaskly.ErrDenied))
	}
	return s
}

// checkText returns an error for text that cannot stand on one line.
func checkText(text string, limit int) error {
	if len(text) > limit {
		return fmt.Errorf("it has %d bytes, %d are allowed", len(text), limit)
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("it is not valid UTF-8")
	}
	for _, c := range text {
		if !unicode.IsPrint(c) {
			return fmt.Errorf("it contains %q, which is not printable", c)
		}
	}
	return nil
}
