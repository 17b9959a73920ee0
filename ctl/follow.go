package main

import (
	"context"
	"errors"
	"io"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// follower reads framed output to the end of its task. Where the connection
// breaks it waits for the dispatcher and goes on where it was.
type follower struct {
	ctx     context.Context
	session *session
	id      octaskly.TaskID
	options client.OutputOptions // From moves on with what was read
	known   bool                 // the dispatcher has the task, be it away just now
	output  io.ReadCloser        // nil: to be opened
}

func (s *session) follow(ctx context.Context, id octaskly.TaskID, o client.OutputOptions, known bool) *follower {
	o.Follow = true
	return &follower{ctx: ctx, session: s, id: id, options: o, known: known}
}

func (f *follower) Read(p []byte) (int, error) {
	for {
		if err := f.open(); err != nil {
			return 0, err
		}
		n, err := f.output.Read(p)
		f.options.From += int64(n)
		if err == nil || !errors.Is(err, client.ErrCut) {
			return n, err
		}
		f.session.outage.notice(err)
		f.output.Close()
		f.output = nil
		if n > 0 {
			return n, nil
		}
	}
}

func (f *follower) open() error {
	if f.output != nil {
		return nil
	}
	open := func() (err error) {
		f.output, err = f.session.client.Output(f.ctx, f.id, f.options)
		f.known = f.known || err == nil
		return err
	}
	if !f.known {
		return open()
	}
	return f.session.outage.persist(f.ctx, open)
}

func (f *follower) Close() error {
	if f.output == nil {
		return nil
	}
	return f.output.Close()
}
