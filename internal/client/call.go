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
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	// base has the only Host that the API answers to on a socket.
	base = "http://octaskly"
	root = "/api/v1/"

	maxAnswer  = 256 << 20 // a list of the largest commands
	maxFailure = 64 << 10
)

// meanings of answers without a document, such as those to HEAD.
var meanings = map[int]error{
	http.StatusUnauthorized:    octaskly.ErrUnknown,
	http.StatusForbidden:       octaskly.ErrDenied,
	http.StatusTooManyRequests: octaskly.ErrFull,
}

// call is one request.
type call struct {
	method     string // default GET
	path       string // escaped
	query      url.Values
	body       any  // sent as JSON; nil: none
	repeatable bool // may be sent again over another connection
}

func (c *Client) request(ctx context.Context, call call) (*http.Request, error) {
	var body io.Reader
	if call.body != nil {
		data, err := json.Marshal(call.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	address := c.base + call.path
	if len(call.query) > 0 {
		address += "?" + call.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, call.method, address, body)
	if err != nil {
		return nil, err
	}
	if call.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if call.repeatable {
		// The key of net/http itself: it is never sent.
		r.Header["Idempotency-Key"] = []string{}
	}
	return r, nil
}

// open sends the call and returns a successful answer with its body.
func (c *Client) open(ctx context.Context, call call) (*http.Response, error) {
	r, err := c.request(ctx, call)
	if err != nil {
		return nil, err
	}
	return c.send(r)
}

// send returns a successful answer with its body.
func (c *Client) send(r *http.Request) (*http.Response, error) {
	answer, err := c.exchange(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		defer answer.Body.Close()
		return nil, c.failure(answer)
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
	if network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || cutByHTTP2(err) {
		err = fmt.Errorf("%w: %w", ErrCut, err)
	}
	return fmt.Errorf("cannot read the answer of the dispatcher: %w", err)
}

// cutByHTTP2 knows the errors of HTTP/2, whose types are net/http's own.
func cutByHTTP2(err error) bool {
	return slices.ContainsFunc([]string{"http2: ", "stream error: ", "connection error: "}, func(start string) bool {
		return strings.HasPrefix(err.Error(), start)
	})
}

// failure is the error that an answer reports.
func (c *Client) failure(answer *http.Response) error {
	err := reported(answer)
	if answer.StatusCode == http.StatusBadRequest && strings.HasPrefix(c.base, "http:") && c.keeper != nil && peek(answer).Message == "" {
		return &Unreachable{URL: c.base, Err: errSpeaksTLS}
	}
	if answer.StatusCode == http.StatusUnauthorized && c.keeper != nil {
		return &Unauthorized{URL: c.base, Token: c.Server.Token != "", Err: err}
	}
	return err
}

// peek is the document of a failure, which can still be read. It has no message
// where there is none.
func peek(answer *http.Response) *api.Error {
	var f api.Failure
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxFailure))
	if err != nil || json.Unmarshal(data, &f) != nil {
		f = api.Failure{}
	}
	rest := io.MultiReader(bytes.NewReader(data), answer.Body)
	answer.Body = struct {
		io.Reader
		io.Closer
	}{rest, answer.Body}
	return &f.Error
}

func reported(answer *http.Response) error {
	f := peek(answer)
	if f.Message == "" {
		err := fmt.Errorf("cannot use the answer: %s", answer.Status)
		if meant := meanings[answer.StatusCode]; meant != nil {
			err = fmt.Errorf("%w: %w", err, meant)
		}
		return err
	}
	return f
}

// bounded gives a call its deadline. What has none may last.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(inBrief(ctx), c.Timeout,
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
	return decode[T](ctx, answer)
}

// decode reads and closes an answer.
func decode[T any](ctx context.Context, answer *http.Response) (*T, error) {
	defer discard(answer.Body)
	value := new(T)
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(value); err != nil {
		return nil, broken(ctx, err)
	}
	return value, nil
}
