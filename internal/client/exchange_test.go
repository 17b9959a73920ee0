package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func bytesReader(data []byte) io.Reader { return bytes.NewReader(data) }

// busy is a server that answers 429 so often before it does what it should.
func busy(t *testing.T, times int, retryAfter, answer string) (*Client, *atomic.Int32, *time.Duration) {
	asked, slept := new(atomic.Int32), new(time.Duration)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if int(asked.Add(1)) <= times {
			w.Header()["Retry-After"] = []string{retryAfter}
			w.WriteHeader(http.StatusTooManyRequests)
			io.WriteString(w, `{"error":{"kind":"full","message":"too many"}}`)
			return
		}
		io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	c := New(Options{Server: &Server{Context: Context{URL: server.URL, Token: "t"}}})
	t.Cleanup(c.Close)
	c.pause = func(_ context.Context, d time.Duration) error { *slept += d; return nil }
	return c, asked, slept
}

func TestHeldBack(t *testing.T) {
	stats := func(c *Client) error { _, err := c.Stats(t.Context()); return err }
	submit := func(key string) func(*Client) error {
		return func(c *Client) error {
			_, err := c.Submit(t.Context(), &api.Submission{Argv: []api.Text{"a"}, Key: key})
			return err
		}
	}
	for _, tt := range []struct {
		name       string
		times      int
		retryAfter string
		call       func(*Client) error
		asked      int32
		slept      time.Duration
		full       bool
	}{
		{"a question", 2, "3", stats, 3, 6 * time.Second, false},
		{"at once", 1, "0", stats, 2, leastPause, false},
		{"no time named", 1, "", stats, 1, 0, true},
		{"a date", 1, "Fri, 31 Dec 1999 23:59:59 GMT", stats, 1, 0, true},
		{"negative", 1, "-1", stats, 1, 0, true},
		{"too long", 1, "31", stats, 1, 0, true},
		{"too long together", 9, "16", stats, 2, 16 * time.Second, true},
		{"too often", 99, "1", stats, maxRepeats + 1, maxRepeats * time.Second, true},
		{"a submission", 1, "1", submit(""), 2, time.Second, false},
		{"a change", 1, "1", func(c *Client) error { _, err := c.Retry(t.Context(), Selector{Text: "1"}); return err }, 2, time.Second, false},
		{"a password", 1, "1", func(c *Client) error { return c.ChangePassword(t.Context(), "a", "b") }, 1, 0, true},
		{"a login", 1, "1", func(c *Client) error { _, err := c.Login(t.Context(), "a", "b"); return err }, 1, 0, true},
		{"a submission with a key", 1, "1", submit("k"), 2, time.Second, false},
		{"a blob", 1, "1", func(c *Client) error {
			return c.PutBlob(t.Context(), hashOf("x"), strings.NewReader("x"), 1)
		}, 2, time.Second, false},
		{"a blob from a pipe", 1, "1", func(c *Client) error {
			return c.PutBlob(t.Context(), hashOf("x"), io.MultiReader(strings.NewReader("x")), 1)
		}, 1, 0, true},
	} {
		c, asked, slept := busy(t, tt.times, tt.retryAfter, "{}")
		err := tt.call(c)
		if (err != nil) != tt.full || tt.full && !errors.Is(err, octaskly.ErrFull) || asked.Load() != tt.asked || *slept != tt.slept {
			t.Errorf("%s: %v, asked %d times in %v", tt.name, err, asked.Load(), *slept)
		}
	}
}

// TestHeldBackWithinTime gives up where the call's own time would not do.
func TestHeldBackWithinTime(t *testing.T) {
	c, asked, _ := busy(t, 9, "20", "{}")
	c.Timeout = 15 * time.Second
	if _, err := c.Stats(t.Context()); !errors.Is(err, octaskly.ErrFull) || asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
}

// TestDenied is what the server says of others.
func TestDenied(t *testing.T) {
	r := newRemote(t, &fake{err: octaskly.ErrDenied})
	r.book.accept("a0")
	_, err := r.client(t, r.context(time.Hour), nil).Stats(t.Context())
	if _, unknown := errors.AsType[*Unauthorized](err); unknown || !errors.Is(err, octaskly.ErrDenied) {
		t.Error(err)
	}
}

// TestHeldBackAtASocket is told of, and not where a limit is reached.
func TestHeldBackAtASocket(t *testing.T) {
	for _, tt := range []struct {
		err   error
		slept time.Duration
	}{
		{&api.TooSoon{Why: "one a second", After: 2 * time.Second}, maxHeldBack},
		{fmt.Errorf("5 wait, 5 may: %w", octaskly.ErrFull), 0},
	} {
		d := newDaemon(t, &fake{err: tt.err})
		var told []string
		c := d.client(Options{Held: func(err error) { told = append(told, err.Error()) }})
		slept := time.Duration(0)
		c.pause = func(_ context.Context, d time.Duration) error { slept += d; return nil }
		_, err := c.Submit(t.Context(), &api.Submission{Argv: []api.Text{"true"}})
		if !errors.Is(err, octaskly.ErrFull) || err.Error() != tt.err.Error() || slept != tt.slept || len(told) != int(slept/(2*time.Second)) {
			t.Errorf("%v: %v, held back for %v, %q", tt.err, err, slept, told)
		}
	}
}
