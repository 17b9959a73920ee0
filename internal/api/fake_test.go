package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// fake is a dispatcher that says what it was asked, and answers by its fields;
// a nil one answers with nothing, and err, if set, with that.
type fake struct {
	asked  func(text string)
	keyed  func(key string) // by a submission
	err    error
	submit func(context.Context, *Order) (octaskly.JobID, bool, error)
	watch  func(context.Context, func(*Job) error) error
	output func(context.Context) (io.ReadCloser, error)
	put    func(context.Context, io.Reader) error
	jobs   []Job
	events []Event
	happen func(context.Context, func([]Event, Cursor) error) error
	has    bool
}

func (f *fake) ask(format string, args ...any) error {
	if f.asked != nil {
		f.asked(fmt.Sprintf(format, args...))
	}
	return f.err
}

func (f *fake) Submit(ctx context.Context, who Caller, o *Order) (octaskly.JobID, bool, error) {
	if f.keyed != nil {
		f.keyed(o.Job.Key)
	}
	err := f.ask("submit %s %s %v %q", who.Name, o.Job.Owner, o.Job.Elements, o.Spec.Argv)
	if f.submit != nil {
		return f.submit(ctx, o)
	}
	return 42, false, err
}

func (f *fake) Cancel(_ context.Context, who Caller, what Selection, reason string) (Outcome, error) {
	return Outcome{Done: 1}, f.ask("cancel %s %+v %q", who.Name, what, reason)
}

func (f *fake) Signal(_ context.Context, who Caller, what Selection, signal int) (Outcome, error) {
	return Outcome{Done: 1}, f.ask("signal %s %+v %d", who.Name, what, signal)
}

func (f *fake) Retry(_ context.Context, who Caller, what Selection) (Outcome, error) {
	return Outcome{Already: []string{"42.7"}}, f.ask("retry %s %+v", who.Name, what)
}

func (f *fake) Jobs(_ context.Context, who Caller, filter Filter) ([]Job, error) {
	selected := "-"
	if filter.Select != nil {
		selected = fmt.Sprintf("%+v", *filter.Select)
	}
	filter.Select = nil
	return f.jobs, f.ask("jobs %s %s %+v", who.Name, selected, filter)
}

func (f *fake) Show(_ context.Context, who Caller, id octaskly.TaskID) (*Detail, error) {
	return &Detail{Job: Job{ID: id.String()}}, f.ask("show %s %v", who.Name, id)
}

func (f *fake) Why(_ context.Context, who Caller, id octaskly.TaskID) (*Why, error) {
	return &Why{ID: id.String(), State: octaskly.Queued}, f.ask("why %s %v", who.Name, id)
}

func (f *fake) Elements(_ context.Context, who Caller, id octaskly.JobID, states []octaskly.State, from octaskly.Index, limit int) ([]Element, error) {
	return nil, f.ask("elements %s %v %v %d %d", who.Name, id, states, from, limit)
}

func (f *fake) Watch(ctx context.Context, who Caller, id octaskly.TaskID, yield func(*Job) error) error {
	err := f.ask("watch %s %v", who.Name, id)
	if f.watch != nil {
		return f.watch(ctx, yield)
	}
	return err
}

func (f *fake) Output(ctx context.Context, who Caller, id octaskly.TaskID, attempt int, follow bool) (io.ReadCloser, error) {
	if err := f.ask("output %s %v %d %v", who.Name, id, attempt, follow); err != nil {
		return nil, err
	}
	if f.output != nil {
		return f.output(ctx)
	}
	return io.NopCloser(strings.NewReader("framed")), nil
}

func (f *fake) PutBlob(ctx context.Context, _ Caller, hash octaskly.Blob, r io.Reader) error {
	err := f.ask("put %.4s", hash)
	if f.put != nil {
		return f.put(ctx, r)
	}
	io.Copy(io.Discard, r)
	return err
}

func (f *fake) HasBlob(context.Context, Caller, octaskly.Blob) (bool, error) { return f.has, nil }

func (f *fake) Events(_ context.Context, who Caller, q EventQuery) (*Events, error) {
	return &Events{Events: f.events, Next: "G.9"}, f.ask("events %s %s", who.Name, textOf(q))
}

func (f *fake) FollowEvents(ctx context.Context, who Caller, q EventQuery, yield func([]Event, Cursor) error) error {
	err := f.ask("follow %s %s", who.Name, textOf(q))
	if f.happen != nil {
		return f.happen(ctx, yield)
	}
	return err
}

func textOf(q EventQuery) string {
	selected, kinds, since, before := "-", "-", "-", "-"
	if q.Select != nil {
		selected = q.Select.Jobs.String() + "." + q.Select.Elements.String()
	}
	if q.Kinds != nil {
		kinds = fmt.Sprint(q.Kinds)
	}
	if q.Since != nil {
		since = q.Since.String()
	}
	if q.Before != nil {
		before = q.Before.String()
	}
	return fmt.Sprintf("%s %q %s fleet:%v %s %s %d", selected, q.Worker, kinds, q.Fleet, since, before, q.Limit)
}

func (f *fake) Workers(_ context.Context, who Caller) ([]Worker, error) {
	return []Worker{{Name: "w"}}, f.ask("workers %s", who.Name)
}

func (f *fake) Worker(_ context.Context, who Caller, name string) (*Worker, error) {
	return &Worker{Name: name, Checks: []Check{{Subject: "level:strict", Name: "shadow", Held: true}}}, f.ask("worker %s %s", who.Name, name)
}

func (f *fake) Drain(_ context.Context, who Caller, name string, how DrainRequest) (*Worker, error) {
	deadline := "none"
	if how.Deadline != nil {
		deadline = time.Duration(*how.Deadline).String()
	}
	return &Worker{Name: name, Drain: &Drain{By: who.Name}}, f.ask("drain %s %s %q %s", who.Name, name, how.Reason, deadline)
}

func (f *fake) Resume(_ context.Context, who Caller, name string) (*Worker, error) {
	return &Worker{Name: name}, f.ask("resume %s %s", who.Name, name)
}

func (f *fake) RemoveWorker(_ context.Context, who Caller, name string) (*Worker, error) {
	return &Worker{Name: name, State: "lost"}, f.ask("remove %s %s", who.Name, name)
}

func (f *fake) Stats(_ context.Context, who Caller, owner string) (*Stats, error) {
	of := " of " + owner
	if owner == "" || owner == who.Name {
		of = ""
	}
	return &Stats{Fleet: "f", FleetStats: &FleetStats{}, StoreStats: &StoreStats{}}, f.ask("stats %s%s", who.Name, of)
}

var quiet = slog.New(slog.DiscardHandler)

// ann is no user of this host and no admin; she is who calls in most tests.
const ann = 54321

// handler is that of f, which knows ann and root.
func newHandler(f *fake) *Handler {
	return knowing(New(f, nil, Config{Version: "1.2.3", Access: DefaultAccess(), Log: quiet}))
}

func knowing(h *Handler) *Handler {
	h.names.known[ann] = userName{"ann", octaskly.RoleClient, time.Now().Add(time.Hour)}
	h.names.known[0] = userName{"root", octaskly.RoleAdmin, time.Now().Add(time.Hour)}
	return h
}

// newRequest is one of uid.
func newRequest(uid int, method, target, body string) *http.Request {
	r := httptest.NewRequest(method, "http://octaskly"+target, strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	return r.WithContext(context.WithValue(r.Context(), connectionKey{}, connection{peer: peer{uid: uid}, stopping: context.Background()}))
}

// do serves one request of ann.
func do(h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, newRequest(ann, method, target, body))
	return w
}

// check complains about an answer's status and what its body contains.
func check(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), body) {
		t.Errorf("%d %s, want %d and %s", w.Code, w.Body, status, body)
	}
}

// drain is a PutBlob that only reads.
func drain(_ context.Context, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
