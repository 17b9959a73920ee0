package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	// base has the only Host that the API answers to.
	base = "http://octaskly"
	root = "/api/v1/"

	maxAnswer  = 256 << 20 // a list of the largest commands
	maxFailure = 64 << 10
)

// call is one request.
type call struct {
	method     string // default GET
	path       string // escaped
	query      url.Values
	body       any  // sent as JSON; nil: none
	repeatable bool // may be sent again over another connection
}

func (c call) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if c.body != nil {
		data, err := json.Marshal(c.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	address := base + c.path
	if len(c.query) > 0 {
		address += "?" + c.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, c.method, address, body)
	if err != nil {
		return nil, err
	}
	if c.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.repeatable {
		// The key of net/http itself: it is never sent.
		r.Header["Idempotency-Key"] = []string{}
	}
	return r, nil
}

// open sends the call and returns a successful answer with its body.
func (c *Client) open(ctx context.Context, call call) (*http.Response, error) {
	r, err := call.request(ctx)
	if err != nil {
		return nil, err
	}
	return c.send(r)
}

// send returns a successful answer with its body.
func (c *Client) send(r *http.Request) (*http.Response, error) {
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, broken(r.Context(), err)
	}
	if answer.StatusCode >= 300 {
		defer answer.Body.Close()
		return nil, failure(answer)
	}
	return answer, nil
}

// broken says why there is no answer, or only a part of one.
func broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if unreachable, ok := errors.AsType[*Unreachable](err); ok {
		return unreachable
	}
	if in, ok := errors.AsType[*url.Error](err); ok { // it would name our made-up address
		err = in.Err
	}
	_, network := errors.AsType[net.Error](err)
	if network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", ErrCut, err)
	}
	return fmt.Errorf("cannot read the answer of the dispatcher: %w", err)
}

// failure is the error that an answer reports.
func failure(answer *http.Response) error {
	var f api.Failure
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxFailure))
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil || f.Error.Message == "" {
		return fmt.Errorf("cannot use the answer: %s", answer.Status)
	}
	return &f.Error
}

// bounded gives a call its deadline.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.Timeout,
		fmt.Errorf("cannot get an answer of the dispatcher within %v: %w", c.Timeout, octaskly.ErrUnavailable))
}

// fetch sends the call and reads its answer.
func fetch[T any](ctx context.Context, c *Client, call call) (*T, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	answer, err := c.open(ctx, call)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	value := new(T)
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(value); err != nil {
		return nil, broken(ctx, err)
	}
	// Only a connection whose answer was read to its end is used again.
	io.Copy(io.Discard, io.LimitReader(answer.Body, maxFailure))
	return value, nil
}
