package client

import (
	"context"
	"fmt"
	"io"
	"net/url"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// OutputOptions say which output is meant and from where on.
type OutputOptions struct {
	Attempt int   // 0: the latest that has any
	Follow  bool  // go on until the task is over
	From    int64 // framed bytes to leave out; to go on after ErrCut, those read
}

// Output is the framed output (package spool) of a job or element. Its Read
// returns io.EOF only at the end; where the connection breaks, ErrCut. Close it.
func (c *Client) Output(ctx context.Context, id octaskly.TaskID, o OutputOptions) (io.ReadCloser, error) {
	v := url.Values{}
	setInt(v, "attempt", int64(o.Attempt))
	setInt(v, "from", o.From)
	setBool(v, "follow", o.Follow)
	answer, err := c.open(ctx, call{path: taskPath(id.String()) + "/output", query: v})
	if err != nil {
		return nil, err
	}
	return &output{answer.Body, ctx, id}, nil
}

type output struct {
	io.ReadCloser
	ctx context.Context
	id  octaskly.TaskID
}

func (o *output) Read(p []byte) (int, error) {
	n, err := o.ReadCloser.Read(p)
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case o.ctx.Err() != nil:
		return n, context.Cause(o.ctx)
	}
	return n, fmt.Errorf("cannot read output of %v: %w: %w", o.id, ErrCut, err)
}
