package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func interrupt(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if signal.Ignored(sig) {
		t.Skipf("%v is ignored, as after nohup", sig)
	}
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		t.Fatal(err)
	}
}

// says is onOutput for a task that writes data and is then over.
func (f *fake) says(data []byte, state octaskly.State, reason octaskly.Reason) {
	f.onOutput = func(context.Context, bool) (io.ReadCloser, error) {
		return output(func(w io.Writer) error {
			w.Write(data)
			f.become(state, reason)
			return nil
		}), nil
	}
}

func TestRun(t *testing.T) {
	for _, tt := range []struct {
		name   string
		state  octaskly.State
		reason octaskly.Reason
		array  int64
		output []string
		flags  []string
		want   result
	}{
		{"completed", octaskly.Completed, "", 0, []string{"o:out\n", "e:err\n", "o:more"}, nil, result{"out\nmore", "err\n", 0}},
		{"binary", octaskly.Completed, "", 0, []string{"o:\x00\xff\x1b[2J"}, nil, result{"\x00\xff\x1b[2J", "", 0}},
		{"failed", octaskly.Failed, "exit:3", 0, nil, nil, result{"", "", 3}},
		{"timeout", octaskly.TimedOut, "timeout", 0, nil, nil, result{"", "octasklyctl: task 42 timed out\n", 124}},
		{"signal", octaskly.Failed, "signal:9", 0, nil, nil, result{"", "octasklyctl: task 42 was ended by signal 9 (SIGKILL)\n", 137}},
		{"not found", octaskly.Failed, "spawn:ENOENT", 0, nil, nil, result{"", "octasklyctl: task 42 could not be started: cannot execute \"true\": not found\n", 127}},
		{"quiet", octaskly.Failed, "signal:9", 0, nil, []string{"-o", "quiet"}, result{"", "", 137}},
		{"array", octaskly.Failed, "", 3, nil, nil, result{"", "octasklyctl: 0 of 3 tasks completed, 3 failed: 42.7 (exit:3)\n", 1}},
		{"array, completed", octaskly.Completed, "", 3, nil, nil, result{"", "", 0}},
		{"cut", octaskly.Completed, "", 0, []string{"o:" + strings.Repeat("x", 200)}, nil,
			result{strings.Repeat("x", 100), "octasklyctl: 100 B of output of task 42 are missing: it wrote more than is kept\n", 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			if tt.array > 0 {
				f.job.Array, f.job.Tasks = "0-9", tt.array
			}
			f.says(framed(t, tt.output...), tt.state, tt.reason)
			if got := serve(t, f).ctl(append(append([]string{"run"}, tt.flags...), "--", "true")...); got != tt.want {
				t.Errorf("%+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestRunJSON(t *testing.T) {
	f := newFake()
	f.says(framed(t, "o:data\n"), octaskly.Failed, "exit:3")
	got := serve(t, f).ctl("run", "-o", "json", "true")
	var document runDocument
	if err := json.Unmarshal([]byte(got.stderr), &document); err != nil {
		t.Fatalf("%v in %q", err, got.stderr)
	}
	if got.stdout != "data\n" || got.code != 3 || document.Job.ID != "42" || document.Job.Reason != "exit:3" {
		t.Errorf("%+v", got)
	}
}

func TestRunUploads(t *testing.T) {
	f := newFake()
	f.says(nil, octaskly.Completed, "")
	var spec *octaskly.Spec
	f.onSubmit = func(o *api.Order) error { spec = &o.Spec; return nil }
	d := serve(t, f)
	if got := d.begin(strings.NewReader("the input"), "run", "--stdin", "-", "cat").end(); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	if text := f.blobs[spec.Stdin]; string(text) != "the input" {
		t.Errorf("uploaded %q", text)
	}
	if got := d.begin(strings.NewReader(""), "run", "--stdin", "-", "cat").end(); got.code != 0 || spec.Stdin != "" {
		t.Errorf("an empty input: %+v, blob %q", got, spec.Stdin)
	}
}

// The failures of run itself are none of the command's.
func TestRunFails(t *testing.T) {
	f := newFake()
	f.onSubmit = func(*api.Order) error {
		return fmt.Errorf("cannot queue more: %w", octaskly.ErrFull)
	}
	d := serve(t, f)
	if got, want := d.ctl("run", "true"), (result{"", "octasklyctl: error: cannot queue more: limit reached\n", 125}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	f.onSubmit = func(*api.Order) error { return &octaskly.FieldError{Field: "cwd", Why: "bad"} }
	if got, want := d.ctl("run", "true"), (result{"", "octasklyctl: error: cwd: bad\n", 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	f.onSubmit = nil
	f.onOutput = func(context.Context, bool) (io.ReadCloser, error) {
		f.become(octaskly.Completed, "")
		return nil, fmt.Errorf("it is gone: %w", octaskly.ErrGone)
	}
	got := d.ctl("run", "true")
	if got.code != 125 || !strings.Contains(got.stderr, "cannot show all output of task 42") {
		t.Errorf("%+v", got)
	}
}

func TestRunInterrupted(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		f := newFake()
		c := serve(t, f).begin(nil, "run", "true")
		<-f.began
		interrupt(t, sig)
		<-f.cancelled
		f.become(octaskly.Cancelled, "cancelled")
		got := c.end()
		if got.code != 130 || got.stdout != "" || !strings.Contains(got.stderr, "cancelling task 42") {
			t.Errorf("%v: %+v", sig, got)
		}
		if asked := strings.Join(f.questions(), "\n"); !strings.Contains(asked, `cancel 42 "octasklyctl run was interrupted"`) {
			t.Errorf("%v: asked %s", sig, asked)
		}
	}
}

func TestRunInterruptedTwice(t *testing.T) {
	f := newFake()
	c := serve(t, f).begin(nil, "run", "true")
	<-f.began
	interrupt(t, syscall.SIGINT)
	<-f.cancelled
	c.stderr.await(t, "cancelling")
	interrupt(t, syscall.SIGINT)
	got := c.end()
	if got.code != 130 || !strings.HasSuffix(got.stderr, "octasklyctl: task 42 goes on being cancelled\n") &&
		!strings.HasSuffix(got.stderr, "octasklyctl: task 42 goes on: it could not be cancelled\n") {
		t.Errorf("%+v", got)
	}
}

// An interrupt while a job is being accepted cancels it once it is.
func TestRunInterruptedWhileSubmitting(t *testing.T) {
	f := newFake()
	f.onSubmit = func(*api.Order) error { return syscall.Kill(os.Getpid(), syscall.SIGTERM) }
	c := serve(t, f).begin(nil, "run", "true")
	<-f.cancelled
	f.become(octaskly.Cancelled, "cancelled")
	if got := c.end(); got.code != 130 {
		t.Errorf("%+v", got)
	}
}

// When nobody reads the output any more, the job is cancelled.
func TestRunWithoutReader(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code int
		says string
	}{
		{syscall.EPIPE, 141, ""},
		{syscall.ENOSPC, 125, "octasklyctl: error: cannot write stdout: write |1: no space left on device\n"},
	} {
		f := newFake()
		f.onOutput = func(ctx context.Context, _ bool) (io.ReadCloser, error) {
			return output(func(w io.Writer) error {
				w.Write(framed(t, "o:unread"))
				return f.over(ctx)
			}), nil
		}
		d := serve(t, f)
		var stderr buffer
		code := make(chan int, 1)
		go func() {
			code <- run(context.Background(), []string{"octasklyctl", "--socket", d.socket, "run", "true"}, nil, broken{tt.err}, &stderr)
		}()
		<-f.cancelled
		f.become(octaskly.Cancelled, "cancelled")
		if got := <-code; got != tt.code || stderr.String() != tt.says {
			t.Errorf("%v: exit code %d, %q", tt.err, got, stderr.String())
		}
	}
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "|1", Err: b.err}
}

// A dispatcher that goes away and comes back is waited for, and nothing is
// printed twice.
func TestRunSurvivesTheDispatcher(t *testing.T) {
	f := newFake()
	all := framed(t, "o:one\n", "e:two\n", "o:three\n", "o:four\n")
	half := len(framed(t, "o:one\n", "e:two\n")) + 3 // in the middle of a chunk
	f.onOutput = func(ctx context.Context, _ bool) (io.ReadCloser, error) {
		return output(func(w io.Writer) error {
			w.Write(all[:half])
			return errors.Join(f.over(ctx), write(w, all[half:]))
		}), nil
	}
	d := serve(t, f)
	c := d.begin(nil, "run", "true")
	<-f.began
	c.stdout.await(t, "one\n")
	c.stderr.await(t, "two\n")
	d.stop()
	c.stderr.await(t, "is away")
	d.start()
	c.stderr.await(t, "is back")
	f.become(octaskly.Failed, "exit:5")
	got := c.end()
	if got.stdout != "one\nthree\nfour\n" || got.code != 5 {
		t.Errorf("%+v", got)
	}
	if strings.Count(got.stderr, "is away") != 1 || strings.Count(got.stderr, "is back") != 1 || strings.Count(got.stderr, "two") != 1 {
		t.Errorf("stderr: %q", got.stderr)
	}
}

func write(w io.Writer, data []byte) error {
	_, err := io.Copy(w, bytes.NewReader(data))
	return err
}

// A cancel that finds the dispatcher away is made when it is back.
func TestRunInterruptedDuringOutage(t *testing.T) {
	f := newFake()
	d := serve(t, f)
	c := d.begin(nil, "run", "true")
	<-f.began
	d.stop()
	c.stderr.await(t, "is away")
	interrupt(t, syscall.SIGINT)
	c.stderr.await(t, "cancelling")
	d.start()
	<-f.cancelled
	f.become(octaskly.Cancelled, "cancelled")
	if got := c.end(); got.code != 130 {
		t.Errorf("%+v", got)
	}
}

func TestSubmit(t *testing.T) {
	f := newFake()
	d := serve(t, f)
	for _, tt := range []struct {
		args string
		want result
	}{
		{"submit true", result{"42\n", "", 0}},
		{"submit true -o json", result{"42\n", "", 0}}, // -o json is the command's
		{"submit -o quiet true", result{"42\n", "", 0}},
		{"submit -o json true", result{`{"id":"42","tasks":1}` + "\n", "", 0}},
		{"submit --idempotency-key k true", result{"42\n", "octasklyctl: job 42 was submitted with this idempotency key before\n", 0}},
	} {
		if got := d.ctl(strings.Fields(tt.args)...); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.args, got, tt.want)
		}
	}
	f.become(octaskly.Failed, "exit:7")
	if got, want := d.ctl("submit", "--wait", "true"), (result{"42\n", "", 7}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	got := d.ctl("submit", "--wait", "-o", "json", "true")
	var job api.Job
	if err := json.Unmarshal([]byte(got.stdout), &job); err != nil || job.Reason != "exit:7" || got.code != 7 {
		t.Errorf("%+v, %v", got, err)
	}
}

// What submit sends is what its flags say.
