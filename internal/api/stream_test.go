package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// TestWatchLive sees each line while the next one is not there yet.
func TestWatchLive(t *testing.T) {
	next := make(chan octaskly.State)
	f := &fake{watch: func(_ context.Context, yield func(*Job) error) error {
		for s := range next {
			if err := yield(&Job{ID: "42", State: s}); err != nil {
				return err
			}
		}
		return nil
	}}
	server := startReal(t, newHandler(f), usual)
	go func() { next <- octaskly.Queued }()
	lines := bufio.NewScanner(server.get("/api/v1/tasks/42/watch").Body)
	for _, s := range []octaskly.State{octaskly.Running, octaskly.Completed, 0} {
		if !lines.Scan() || !strings.Contains(lines.Text(), `"id":"42"`) {
			t.Fatalf("got %q, %v", lines.Text(), lines.Err())
		}
		if s != 0 {
			next <- s
		}
	}
	close(next)
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("at the end: %q, %v", lines.Text(), lines.Err())
	}
}

// endings of a stream, and what its reader sees of them.
var endings = []struct {
	name string
	err  error // of the dispatcher, after something was sent
	want error
}{
	{"whole", nil, nil},
	{"disk", errors.New("input/output error"), io.ErrUnexpectedEOF},
	{"gone", octaskly.ErrGone, io.ErrUnexpectedEOF},
}

func TestWatchEndings(t *testing.T) {
	for _, tt := range endings {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{watch: func(_ context.Context, yield func(*Job) error) error {
				return errors.Join(yield(&Job{ID: "42"}), tt.err)
			}}
			body, err := io.ReadAll(startReal(t, newHandler(f), usual).get("/api/v1/tasks/42/watch").Body)
			if err != tt.want || !strings.HasSuffix(string(body), "}\n") {
				t.Errorf("got %q, %v; want error %v", body, err, tt.want)
			}
		})
	}
}

// broken reads text, and then its error.
type broken struct {
	io.Reader
	err    error
	closed chan struct{}
}

func newBroken(text string, err error) *broken {
	return &broken{strings.NewReader(text), err, make(chan struct{})}
}

func (b *broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF && b.err != nil {
		err = b.err
	}
	return n, err
}

func (b *broken) Close() error { close(b.closed); return nil }

func TestOutputEndings(t *testing.T) {
	for _, tt := range endings {
		for _, query := range []string{"", "?follow", "?from=3"} {
			t.Run(tt.name+query, func(t *testing.T) {
				output := newBroken(strings.Repeat("0123456789", 10_000), tt.err)
				f := &fake{output: func(context.Context) (io.ReadCloser, error) { return output, nil }}
				body, err := io.ReadAll(startReal(t, newHandler(f), usual).get("/api/v1/tasks/42/output" + query).Body)
				<-output.closed
				if !errors.Is(err, tt.want) {
					t.Errorf("the error is %v, want %v", err, tt.want)
				}
				skipped := 3 * strings.Count(query, "from")
				if tt.err == nil && (len(body) != 100_000-skipped || body[0] != byte('0'+skipped)) {
					t.Errorf("got %d bytes, %.10q", len(body), body)
				}
			})
		}
	}
}

// TestOutputErrorAtOnce is still an answer of its own: nothing was sent.
func TestOutputErrorAtOnce(t *testing.T) {
	f := &fake{output: func(context.Context) (io.ReadCloser, error) { return newBroken("", octaskly.ErrGone), nil }}
	check(t, do(newHandler(f), "GET", "/api/v1/tasks/42/output", ""), 410, `"kind":"gone"`)
}

// TestFollowHead sends the head of an answer before there is any output.
func TestFollowHead(t *testing.T) {
	r, w := io.Pipe()
	f := &fake{output: func(context.Context) (io.ReadCloser, error) { return r, nil }}
	answer := startReal(t, newHandler(f), usual).get("/api/v1/tasks/42/output?follow")
	for _, text := range []string{"first", "second"} {
		go io.WriteString(w, text)
		got := make([]byte, len(text))
		if _, err := io.ReadFull(answer.Body, got); err != nil || string(got) != text {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	w.Close()
	if n, err := answer.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
}

// untilDone is output that waits for nothing but its context.
type untilDone struct{ ctx context.Context }

func (u untilDone) Read([]byte) (int, error) { <-u.ctx.Done(); return 0, io.EOF }
func (u untilDone) Close() error             { return nil }

// TestStopCutsStreams ends streams that go on for ever, and never as if whole:
// not even when the dispatcher thinks so.
func TestStopCutsStreams(t *testing.T) {
	f := &fake{
		output: func(ctx context.Context) (io.ReadCloser, error) { return untilDone{ctx}, nil },
		watch: func(ctx context.Context, yield func(*Job) error) error {
			err := yield(&Job{ID: "42"})
			<-ctx.Done()
			return err
		},
	}
	server := startReal(t, newHandler(f), usual)
	watch, output := server.get("/api/v1/tasks/42/watch"), server.get("/api/v1/tasks/42/output?follow")
	server.stop()
	for _, answer := range []io.Reader{watch.Body, output.Body} {
		if body, err := io.ReadAll(answer); err != io.ErrUnexpectedEOF {
			t.Errorf("got %q, %v", body, err)
		}
	}
	if err := <-server.ended; err != nil {
		t.Error(err)
	}
}

// TestLeaving ends the dispatcher's part when the reader has gone.
func TestLeaving(t *testing.T) {
	left := make(chan struct{})
	f := &fake{watch: func(ctx context.Context, yield func(*Job) error) error {
		err := yield(&Job{ID: "42"})
		<-ctx.Done()
		close(left)
		return err
	}}
	server := startReal(t, newHandler(f), usual)
	server.get("/api/v1/tasks/42/watch").Body.Close()
	<-left
}
