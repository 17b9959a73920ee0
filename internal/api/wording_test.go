package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// TestWording is what people read of an error, and what programs do.
func TestWording(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want Error
	}{
		{fmt.Errorf("that name is taken: %w", octaskly.ErrConflict), Error{Kind: "conflict", Message: "that name is taken"}},
		{fmt.Errorf("the password is wrong: %w", octaskly.ErrUnknown), Error{Kind: "unauthorized", Message: "the password is wrong"}},
		{octaskly.ErrConflict, Error{Kind: "conflict", Message: "conflict"}},
		{fmt.Errorf("cannot find task 1: %w", octaskly.ErrNotFound), Error{Kind: "not-found", Message: "cannot find task 1: not found"}},
		{fmt.Errorf("5 wait: %w", octaskly.ErrFull), Error{Kind: "full", Message: "5 wait: limit reached", Lasting: true}},
		{&TooSoon{Why: "try again", After: time.Second}, Error{Kind: "full", Message: "try again"}},
	} {
		w := do(newHandler(&fake{err: tt.err}), "POST", "/api/v1/tasks", `{"argv":["true"]}`)
		var got Failure
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Error != tt.want {
			t.Errorf("%v: %v, %+v", tt.err, err, got.Error)
		}
		if known := octaskly.ErrConflict; errors.Is(tt.err, known) != errors.Is(&got.Error, known) {
			t.Errorf("%v: it is another error on the other side", tt.err)
		}
	}
}
