package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// untilCut is what is sent until the handler ends, which cuts the connection.
func untilCut(h http.Handler, r *http.Request, accept, last string) string {
	r.Header.Set("Accept", accept)
	r.Header.Set(lastEvent, last)
	w := httptest.NewRecorder()
	func() {
		defer func() { recover() }()
		h.ServeHTTP(w, r)
	}()
	return w.Body.String()
}

// silent blocks until its reader leaves.
type silent struct {
	context.Context
	first io.Reader
}

func (s silent) Read(p []byte) (int, error) {
	if n, _ := s.first.Read(p); n > 0 {
		return n, nil
	}
	<-s.Done()
	return 0, s.Err()
}

func (silent) Close() error { return nil }

// A stream of events on which nothing happens says so now and then, and one that is
// none does not.
func TestSilence(t *testing.T) {
	waits := &fake{
		watch: func(ctx context.Context, yield func(*Job) error) error {
			if err := yield(&Job{ID: "42"}); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		},
		output: func(ctx context.Context) (io.ReadCloser, error) {
			return silent{ctx, bytes.NewReader(frame("oone\n"))}, nil
		},
	}
	seen := ask(newFleetHandler(&fake{watch: func(_ context.Context, yield func(*Job) error) error { return yield(&Job{ID: "42"}) }}, &books{}),
		"client", "GET", "/api/v1/tasks/42/watch", "", "Accept", EventType).Body.String()
	last := strings.TrimPrefix(strings.Split(seen, "\n")[1], "id: ")
	for _, tt := range []struct {
		path, accept, last string
		beats              bool
	}{
		{"watch", EventType, "", true},
		{"watch", EventType, last, true},
		{"watch", "", "", false},
		{"output?follow", EventType, "", true},
		{"output?follow", EventType, "9", true},
		{"output?follow", "", "", false},
		{"output?follow&stream=stdout", "", "", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newFleetHandler(waits, &books{})
			ctx, leave := context.WithCancel(t.Context())
			r := through(tlsDoor, "client", newRequest(0, "GET", "/api/v1/tasks/42/"+tt.path, "").WithContext(ctx))
			ended := make(chan string)
			go func() { ended <- untilCut(h, r, tt.accept, tt.last) }()
			time.Sleep(3*keepAlivePause + time.Second)
			leave()
			text := <-ended
			if beats := strings.Count(text, ": \n\n") == 3; beats != tt.beats {
				t.Errorf("%s, %q after %q: %q", tt.path, tt.accept, tt.last, text)
			}
		})
	}
}
