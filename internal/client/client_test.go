package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

var (
	job     = octaskly.TaskID{Job: 42}
	element = octaskly.TaskID{Job: 42, Index: 7, Array: true}
)

// calls has each method that is one question and one answer.
var calls = []struct {
	name  string
	call  func(context.Context, *Client) (any, error)
	asked string
	want  any
}{
	{"submit", func(ctx context.Context, c *Client) (any, error) {
		return c.Submit(ctx, &api.Submission{Argv: []api.Text{"a", "\xff"}, Array: "0-9"})
	}, `submit ["a" "\xff"] 0-9`, &api.Accepted{ID: "42", Tasks: 10}},
	{"submit with a key", func(ctx context.Context, c *Client) (any, error) {
		return c.Submit(ctx, &api.Submission{Argv: []api.Text{"a"}, Key: "k"})
	}, `submit ["a"] 0`, &api.Accepted{ID: "42", Tasks: 1, Repeated: true}},
	{"jobs", func(ctx context.Context, c *Client) (any, error) { return c.Jobs(ctx, Query{}) },
		"jobs {Jobs: Elements: Last:false All:false Everyone:false} {Select:<nil> States:[] All:false Limit:100 Before:0 Owner:}", []api.Job{{ID: "42", State: octaskly.Running}}},
	{"some jobs", func(ctx context.Context, c *Client) (any, error) {
		return c.Jobs(ctx, Query{Select: "1-10:2,15", States: []octaskly.State{octaskly.Failed, octaskly.Queued}, All: true, Owner: "me", Limit: 7, Before: 9})
	}, "jobs {Jobs:1-9:2,15 Elements: Last:false All:false Everyone:false} {Select:<nil> States:[failed queued] All:true Limit:7 Before:9 Owner:me}", []api.Job{{ID: "42", State: octaskly.Running}}},
	{"show", func(ctx context.Context, c *Client) (any, error) { return c.Show(ctx, element) }, "show 42.7", &api.Detail{Job: api.Job{ID: "42.7", State: octaskly.Failed}}},
	{"why", func(ctx context.Context, c *Client) (any, error) { return c.Why(ctx, element) }, "why 42.7", &api.Why{ID: "42.7", State: octaskly.Failed}},
	{"cancel", func(ctx context.Context, c *Client) (any, error) {
		return c.Cancel(ctx, Selector{Text: "all", Everyone: true}, "no & more")
	}, `cancel {Jobs: Elements: Last:false All:true Everyone:true} "no & more"`, &api.Outcome{Done: 2}},
	{"signal", func(ctx context.Context, c *Client) (any, error) {
		return c.Signal(ctx, Selector{Text: "42.3-7:2,9"}, 15)
	}, "signal {Jobs:42 Elements:3-7:2,9 Last:false All:false Everyone:false} 15", &api.Outcome{Done: 2}},
	{"retry", func(ctx context.Context, c *Client) (any, error) { return c.Retry(ctx, Selector{Text: "last"}) },
		"retry {Jobs: Elements: Last:true All:false Everyone:false}", &api.Outcome{Already: []string{"1"}}},
	{"elements", func(ctx context.Context, c *Client) (any, error) {
		return c.Elements(ctx, 42, ElementQuery{States: []octaskly.State{octaskly.Failed}, From: 5, Limit: 6})
	}, "elements 42 [failed] 5 6", []api.Element{{ID: "42.7", State: octaskly.Failed}}},
	{"workers", func(ctx context.Context, c *Client) (any, error) { return c.Workers(ctx) }, "workers", []api.Worker{{Name: "w"}}},
	{"worker", func(ctx context.Context, c *Client) (any, error) { return c.Worker(ctx, "a b/é") }, `worker "a b/é"`,
		&api.Worker{Name: "a b/é", Checks: []api.Check{{Subject: "level:basic", Name: "n", Why: "w"}}}},
	{"drain", func(ctx context.Context, c *Client) (any, error) {
		return c.Drain(ctx, "a b", api.DrainRequest{Reason: "disk", Deadline: new(api.Seconds(time.Hour))})
	}, `drain "a b" "disk" true`, &api.Worker{Name: "a b", Drain: &api.Drain{Reason: "disk"}}},
	{"drain without end", func(ctx context.Context, c *Client) (any, error) { return c.Drain(ctx, "w", api.DrainRequest{}) },
		`drain "w" "" false`, &api.Worker{Name: "w", Drain: &api.Drain{}}},
	{"resume", func(ctx context.Context, c *Client) (any, error) { return c.Resume(ctx, "a/b") }, `resume "a/b"`, &api.Worker{Name: "a/b"}},
	{"remove worker", func(ctx context.Context, c *Client) (any, error) { return c.RemoveWorker(ctx, "w") }, `remove "w"`, &api.Worker{Name: "w", State: "lost"}},
	{"invite", func(ctx context.Context, c *Client) (any, error) {
		return c.Invite(ctx, api.NewInvite{Name: "w", Expires: new(api.Seconds(time.Hour))})
	}, `invite "w" true`, &api.CreatedInvite{Invite: api.Invite{ID: "i1", Name: "w"}, Token: "octi1.secret"}},
	{"invites", func(ctx context.Context, c *Client) (any, error) { return c.Invites(ctx) }, "invites", []api.Invite{{ID: "i1"}}},
	{"revoke invite", func(ctx context.Context, c *Client) (any, error) { return c.RevokeInvite(ctx, "i/1") }, `revoke invite "i/1"`, &api.Invite{ID: "i/1", State: "revoked"}},
	{"pending", func(ctx context.Context, c *Client) (any, error) { return c.Pending(ctx) }, "pending", []api.PendingWorker{{ID: "w0", State: "waits"}}},
	{"approve", func(ctx context.Context, c *Client) (any, error) { return c.Approve(ctx, "a b", "483-112") }, `approve "a b" "483-112"`, &api.PendingWorker{Name: "a b"}},
	{"readmit", func(ctx context.Context, c *Client) (any, error) { return c.Approve(ctx, "w", "") }, `approve "w" ""`, &api.PendingWorker{Name: "w"}},
	{"reject", func(ctx context.Context, c *Client) (any, error) { return c.Reject(ctx, "w") }, `reject "w"`, []api.PendingWorker{{Name: "w"}}},
	{"stats", func(ctx context.Context, c *Client) (any, error) { return c.Stats(ctx) }, "stats", &api.Stats{Fleet: "f"}},
	{"version", func(ctx context.Context, c *Client) (any, error) { return c.Version(ctx) }, "", "1.2.3"},
	{"health", func(ctx context.Context, c *Client) (any, error) { return nil, c.Health(ctx) }, "", nil},
}

func TestCalls(t *testing.T) {
	d := newDaemon(t, &fake{})
	checkCalls(t, d.fake, d.client(Options{}))
}

func checkCalls(t *testing.T, f *fake, c *Client) {
	for _, tt := range calls {
		f.asked = ""
		got, err := tt.call(t.Context(), c)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil || f.asked != tt.asked {
			t.Errorf("%s: %v\n%s\nasked %s\nwant  %s", tt.name, err, diff, f.asked, tt.asked)
		}
	}
}

func TestSentinels(t *testing.T) {
	d := newDaemon(t, &fake{})
	c := d.client(Options{})
	sentinels := []error{
		octaskly.ErrNotFound, octaskly.ErrOver, octaskly.ErrDenied, octaskly.ErrConflict,
		octaskly.ErrFull, octaskly.ErrUnavailable, octaskly.ErrGone,
	}
	for _, sentinel := range sentinels {
		d.fake.err = fmt.Errorf("cannot do %q: %w", "it", sentinel)
		for _, tt := range calls {
			if tt.asked == "" {
				continue
			}
			_, err := tt.call(t.Context(), c)
			for _, other := range sentinels {
				if errors.Is(err, other) != (other == sentinel) {
					t.Errorf("%s, which failed with %q, is %v", tt.name, sentinel, err)
				}
			}
			want := strings.TrimSuffix(d.fake.err.Error(), ": "+octaskly.ErrConflict.Error()) // which is for programs
			if err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %v", tt.name, err, want)
			}
		}
	}
}

func TestFieldErrors(t *testing.T) {
	d := newDaemon(t, &fake{})
	c := d.client(Options{})
	_, byDoor := c.Submit(t.Context(), &api.Submission{Argv: []api.Text{"a"}, Cwd: "x"})
	d.fake.err = &octaskly.FieldError{Field: "items", Why: "no such blob"}
	_, byDispatcher := c.Submit(t.Context(), &api.Submission{Argv: []api.Text{"a"}})
	for err, want := range map[error]octaskly.FieldError{
		byDoor:       {Field: "cwd", Why: `"x" is not absolute; it names a directory of the worker's machine`},
		byDispatcher: {Field: "items", Why: "no such blob"},
	} {
		field, ok := errors.AsType[*octaskly.FieldError](err)
		if !ok || *field != want || err.Error() != want.Error() {
			t.Errorf("got %v, want %v", err, &want)
		}
	}
	d.fake.err = errors.New("a secret")
	_, err := c.Stats(t.Context())
	if field, ok := errors.AsType[*octaskly.FieldError](err); ok || err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("an internal error is %v, %v", err, field)
	}
}

func TestUnreachable(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
	for socket, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file or directory; is it running (octasklyd dispatcher)? another socket is named by --socket",
		stale:                      "connection refused; is it running",
		filepath.Join(dir, strings.Repeat("s", 108)): "unix(7) allows 107; give a shorter one by --socket",
	} {
		c := New(Options{Socket: socket})
		err := c.Health(t.Context())
		unreachable, ok := errors.AsType[*Unreachable](err)
		if !ok || unreachable.Socket != socket || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), socket) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestAddress takes what is named first.
func TestAddress(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"XDG_RUNTIME_DIR", "XDG_STATE_HOME"} {
		t.Setenv(name, home)
	}
	t.Setenv(SocketVar, "/by/variable")
	if path, err := New(Options{Socket: "/by/option"}).Address(); path != "/by/option" || err != nil {
		t.Error(path, err)
	}
	if path, err := New(Options{}).Address(); path != "/by/variable" || err != nil {
		t.Error(path, err)
	}
	os.Unsetenv(SocketVar)
	if path, err := New(Options{}).Address(); !strings.HasSuffix(path, "octaskly/dispatcher.sock") || err != nil {
		t.Error(path, err)
	}
}

func TestTimeout(t *testing.T) {
	d := newDaemon(t, &fake{submit: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
	c := d.client(Options{Timeout: 20 * time.Millisecond})
	_, err := c.Submit(t.Context(), &api.Submission{Argv: []api.Text{"a"}})
	if !errors.Is(err, octaskly.ErrUnavailable) || !strings.Contains(err.Error(), "within 20ms") {
		t.Errorf("got %v", err)
	}
}

func TestCancelled(t *testing.T) {
	why := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(t.Context())
	d := newDaemon(t, &fake{submit: func(ctx context.Context) error {
		cancel(why)
		<-ctx.Done()
		return ctx.Err()
	}})
	_, err := d.client(Options{}).Submit(ctx, &api.Submission{Argv: []api.Text{"a"}})
	if !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

// TestForeignAnswers come from something that is no daemon of ours.
func TestForeignAnswers(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{":            "the connection was cut",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi!":           "cannot read the answer",
		"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops": "cannot use the answer: 502 Bad Gateway",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}":     "cannot use the answer: 404 Not Found",
		"SSH-2.0-OpenSSH_9.2\r\n":                                   "cannot read the answer",
		"":                                                          "cannot read the answer",
		"HTTP/1.1 302 Found\r\nLocation: http://octaskly/\r\n\r\n":  "cannot use the answer: 302 Found",
	} {
		socket := filepath.Join(t.TempDir(), "s")
		ln, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		var server sync.WaitGroup
		server.Go(func() {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 4096))
			conn.Write([]byte(answer))
			conn.Close()
		})
		c := New(Options{Socket: socket})
		if _, err := c.Stats(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", answer, err, want)
		}
		c.Close()
		ln.Close()
		server.Wait()
	}
}

// TestOneConnection uses a connection again, after errors too.
func TestOneConnection(t *testing.T) {
	d := newDaemon(t, &fake{})
	c := d.client(Options{})
	var fresh int
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if !info.Reused {
			fresh++
		}
	}})
	for range rounds {
		fresh = 0
		for i := range 20 {
			if d.fake.err = nil; i%2 == 1 {
				d.fake.err = octaskly.ErrNotFound
			}
			c.Stats(ctx)
			c.Jobs(ctx, Query{})
			c.HasBlob(ctx, hashOf("x"))
		}
		if fresh <= 1 {
			return
		}
	}
	t.Errorf("%d connections for 60 calls", fresh)
}

// rounds is how often calls may be made anew to see one connection suffice: net/http
// gives one up that took 50 ms to write a request, on a busy machine.
const rounds = 10

func TestManyClients(t *testing.T) {
	d := newDaemon(t, &fake{})
	shared := d.client(Options{})
	var clients sync.WaitGroup
	for i := range 64 {
		clients.Go(func() {
			c := shared
			if i%2 == 0 {
				c = New(Options{Socket: d.socket})
				defer c.Close()
			}
			for range 5 {
				if got, err := c.Submit(t.Context(), &api.Submission{Argv: []api.Text{"true"}}); err != nil || got.ID != "42" {
					t.Error(got, err)
				}
			}
		})
	}
	clients.Wait()
}
