package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	patience = 15 * time.Minute

	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// Watch yields the job, or the one element, now and each time it has changed,
// and returns nil when it is over. An error of yield ends it and is returned.
//
// A daemon that goes away after the first job is waited for, up to
// Options.Patience; the job is then yielded anew, changed or not.
func (c *Client) Watch(ctx context.Context, id octaskly.TaskID, yield func(*api.Job) error) error {
	w := watch{client: c, id: id, yield: yield}
	err := w.once(ctx)
	for w.passing(err) && !w.away {
		c.Notice(err)
		err = w.again(ctx, err)
	}
	return err
}

type watch struct {
	client *Client
	id     octaskly.TaskID
	yield  func(*api.Job) error
	seen   bool  // a job has come
	away   bool  // of the daemon: Notice is owed that it is back
	stop   error // of yield
}

// passing reports whether the error may pass when the daemon is back.
func (w *watch) passing(err error) bool {
	var unreachable *Unreachable
	ours := errors.Is(err, ErrCut) || errors.Is(err, octaskly.ErrUnavailable) || errors.As(err, &unreachable)
	return ours && w.seen && w.stop == nil
}

// again tries until the daemon is back, and then watches until it goes away.
func (w *watch) again(ctx context.Context, err error) error {
	w.away = true
	deadline := time.Now().Add(w.client.Patience)
	for pause := firstPause; w.passing(err) && w.away; pause = min(2*pause, maxPause) {
		if time.Until(deadline) <= 0 {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		err = w.once(ctx)
	}
	return err
}

// once watches over one connection.
func (w *watch) once(ctx context.Context) error {
	answer, err := w.client.open(ctx, call{path: taskPath(w.id.String()) + "/watch"})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	for lines := json.NewDecoder(answer.Body); ; {
		var job api.Job
		switch err := lines.Decode(&job); {
		case err == io.EOF:
			return nil
		case err != nil:
			return broken(ctx, err)
		}
		w.seen = true
		if w.away {
			w.away = false
			w.client.Notice(nil)
		}
		if w.stop = w.yield(&job); w.stop != nil {
			return w.stop
		}
	}
}
