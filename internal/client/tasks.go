package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Submit returns once the job is on the dispatcher's disk.
func (c *Client) Submit(ctx context.Context, s *api.Submission) (*api.Accepted, error) {
	call := call{method: http.MethodPost, path: root + "tasks", body: s}
	if s.Key != "" {
		call.repeatable = true // the key says that this may be sent twice
	}
	return fetch[api.Accepted](ctx, c, call)
}

// Query narrows a list of jobs. Its zero value is the latest ones that are not
// over or have ended lately.
type Query struct {
	Select string // see api.ParseSelection; empty: no selection
	States []octaskly.State
	All    bool           // also those that ended long ago
	Owner  string         // empty: everyone's whom the caller may see
	Limit  int            // up to api.MaxLimit; 0: api.DefaultLimit
	Before octaskly.JobID // only older ones; 0: from the latest on
}

// Jobs lists jobs, the latest first.
func (c *Client) Jobs(ctx context.Context, q Query) ([]api.Job, error) {
	v := states(q.States)
	set(v, "select", q.Select)
	set(v, "owner", q.Owner)
	setInt(v, "limit", int64(q.Limit))
	setInt(v, "before", int64(q.Before))
	setBool(v, "all", q.All)
	list, err := fetch[api.Jobs](ctx, c, call{path: root + "tasks", query: v})
	if err != nil {
		return nil, err
	}
	return list.Tasks, nil
}

// Show tells all of a job, or of one element.
func (c *Client) Show(ctx context.Context, id octaskly.TaskID) (*api.Detail, error) {
	return fetch[api.Detail](ctx, c, call{path: taskPath(id.String())})
}

// Why explains where a job or element is, and what would change that.
func (c *Client) Why(ctx context.Context, id octaskly.TaskID) (*api.Why, error) {
	return fetch[api.Why](ctx, c, call{path: taskPath(id.String()) + "/why"})
}

// Selector names the tasks that are to be changed.
type Selector struct {
	Text     string // see api.ParseSelection
	Everyone bool   // with "all": of every user
}

func (s Selector) call(method, action string) call {
	v := url.Values{}
	setBool(v, "all_users", s.Everyone)
	return call{method: method, path: taskPath(s.Text) + action, query: v}
}

// Cancel returns once the wish is on disk; tasks that run end later.
func (c *Client) Cancel(ctx context.Context, s Selector, reason string) (*api.Outcome, error) {
	call := s.call(http.MethodDelete, "")
	set(call.query, "reason", reason)
	return fetch[api.Outcome](ctx, c, call)
}

// Signal sends running tasks a signal.
func (c *Client) Signal(ctx context.Context, s Selector, signal api.Signal) (*api.Outcome, error) {
	call := s.call(http.MethodPost, "/signal")
	call.body = api.SignalRequest{Signal: signal}
	return fetch[api.Outcome](ctx, c, call)
}

// Retry queues tasks again that ended without completing.
func (c *Client) Retry(ctx context.Context, s Selector) (*api.Outcome, error) {
	return fetch[api.Outcome](ctx, c, s.call(http.MethodPost, "/retry"))
}

// ElementQuery narrows a list of elements.
type ElementQuery struct {
	States []octaskly.State
	From   octaskly.Index // the lowest index to list
	Limit  int            // up to api.MaxLimit; 0: api.DefaultLimit
}

// Elements lists the elements of an array job that have left the queue, by index.
func (c *Client) Elements(ctx context.Context, id octaskly.JobID, q ElementQuery) ([]api.Element, error) {
	v := states(q.States)
	setInt(v, "from", q.From)
	setInt(v, "limit", int64(q.Limit))
	list, err := fetch[api.Elements](ctx, c, call{path: taskPath(id.String()) + "/elements", query: v})
	if err != nil {
		return nil, err
	}
	return list.Elements, nil
}

func taskPath(id string) string { return root + "tasks/" + url.PathEscape(id) }

func states(all []octaskly.State) url.Values {
	v := url.Values{}
	for _, s := range all {
		v.Add("state", s.String())
	}
	return v
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func setInt(v url.Values, name string, n int64) {
	if n != 0 {
		v.Set(name, strconv.FormatInt(n, 10))
	}
}

func setBool(v url.Values, name string, on bool) {
	if on {
		v.Set(name, "true")
	}
}
