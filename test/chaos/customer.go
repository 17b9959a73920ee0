package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

const (
	pace        = 80 * time.Millisecond // between orders
	maxOpen     = 60                    // accepted jobs that are not over
	maxAtOnce   = 16                    // orders without an answer
	answerTime  = 3 * time.Second       // for a request
	repeatPause = 100 * time.Millisecond
	waitEvery   = 25 // of that many jobs, one has an octasklyctl that waits for it
)

// customer submits, cancels and asks, and writes into the book what it is told.
type customer struct {
	book    *book
	client  *client.Client
	cluster *cluster.Cluster
	errands sync.WaitGroup
}

// shop submits orders until ctx is done, and returns when they have an answer, or
// will never have one. What else it has begun goes on until life ends; errands
// waits for that.
func (c *customer) shop(ctx, life context.Context, orders *catalogue) {
	tokens := make(chan struct{}, maxAtOnce)
	defer func() {
		for range maxAtOnce { // all submissions have an answer, or none to come
			tokens <- struct{}{}
		}
	}()
	beat := time.NewTicker(pace)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		if len(c.book.open()) >= maxOpen {
			continue
		}
		select {
		case tokens <- struct{}{}:
		default:
			continue
		}
		e := c.book.add(orders.next())
		c.errands.Go(func() {
			accepted := c.submit(life, e)
			<-tokens
			if accepted {
				c.attend(life, e)
			}
		})
	}
}

// submit repeats until there is an answer, where that can do no harm. It reports
// whether the job was accepted.
func (c *customer) submit(ctx context.Context, e *entry) bool {
	if e.Input != "" && !c.upload(ctx, e.Input) {
		return false
	}
	for {
		accepted, err := c.client.Submit(ctx, &e.Submission)
		if err == nil {
			return c.accept(e, accepted)
		}
		if refused, is := errors.AsType[*api.Error](err); is && refused.Kind != "unavailable" && refused.Kind != "too-slow" {
			c.book.complain("what is right is accepted", e.Tag, "%v", err)
			return false
		}
		_, unsent := errors.AsType[*client.Unreachable](err)
		if e.Submission.Key == "" && !unsent || !c.pause(ctx) {
			return false
		}
	}
}

func (c *customer) accept(e *entry, accepted *api.Accepted) bool {
	id, err := octaskly.ParseTaskID(accepted.ID)
	if err != nil || accepted.Tasks != max(e.Tasks, 1) {
		c.book.complain("what is right is accepted", e.Tag, "the answer is %+v", *accepted)
		return false
	}
	c.book.note(func() { e.ID = id.Job })
	return true
}

func (c *customer) upload(ctx context.Context, input string) bool {
	for {
		_, err := c.client.UploadBlob(ctx, strings.NewReader(input))
		if err == nil {
			return true
		}
		if !c.pause(ctx) {
			return false
		}
	}
}

// attend does what else is to be done with a job that was accepted.
func (c *customer) attend(ctx context.Context, e *entry) {
	switch {
	case e.CancelAfter > 0:
		select {
		case <-time.After(e.CancelAfter):
			c.cancel(ctx, e)
		case <-ctx.Done():
		}
	case e.ID%waitEvery == 0 && e.Tasks == 0 && !e.Retry:
		c.wait(ctx, e)
	}
}

// unreachable is the exit code of an octasklyctl that has found no dispatcher.
const unreachable = 69

// wait has an octasklyctl wait for the end. It bridges every outage but one at its
// beginning.
func (c *customer) wait(ctx context.Context, e *entry) {
	told := c.cluster.Ctl(ctx, "wait", e.ID.String())
	for told.Code == unreachable && c.pause(ctx) {
		told = c.cluster.Ctl(ctx, "wait", e.ID.String())
	}
	if ctx.Err() == nil {
		c.book.note(func() { e.Told = &told })
	}
}

// cancel repeats until there is an answer.
func (c *customer) cancel(ctx context.Context, e *entry) {
	for {
		outcome, err := c.client.Cancel(ctx, client.Selector{Text: e.ID.String()}, "chaos")
		if err == nil {
			if outcome.Done > 0 {
				c.book.note(func() { e.Cancelled = time.Now() })
			}
			return
		}
		if _, unsent := errors.AsType[*client.Unreachable](err); !unsent {
			c.book.note(func() { e.Perhaps = true })
		}
		if !c.pause(ctx) {
			return
		}
	}
}

// retry asks once: to ask again could be once too often.
func (c *customer) retry(ctx context.Context, e *entry) {
	outcome, err := c.client.Retry(ctx, client.Selector{Text: e.ID.String()})
	_, unsent := errors.AsType[*client.Unreachable](err)
	c.book.note(func() {
		switch {
		case unsent:
			return // another time
		case err != nil:
			e.Unsure = true
		case outcome.Done == 1:
			e.Retried++
			clear(e.First)
			e.Over = false
		}
		e.Retry = false
	})
	if err == nil && outcome.Done != 1 {
		c.book.complain("a retry opens a further attempt", e.ID.String(), "it has failed, and retry says %+v", *outcome)
	}
}

// pause goes before a request that is repeated.
func (c *customer) pause(ctx context.Context) bool {
	c.book.note(func() { c.book.repeated++ })
	select {
	case <-time.After(repeatPause):
		return true
	case <-ctx.Done():
		return false
	}
}
