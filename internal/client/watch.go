package client

import (
	"context"
	"encoding/json"
	"io"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Watch yields the job, or the one element, now and each time it has changed,
// and returns nil when it is over. An error of yield ends it and is returned.
//
// A daemon that goes away after the first job is waited for, up to
// Options.Patience; the job is then yielded anew, changed or not.
func (c *Client) Watch(ctx context.Context, id octaskly.TaskID, yield func(*api.Job) error) error {
	w := &watch{id: id, yield: yield}
	w.lasting = lasting{client: c, once: w.once}
	return w.run(ctx)
}

type watch struct {
	lasting
	id    octaskly.TaskID
	yield func(*api.Job) error
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
		w.begun = true
		w.hears()
		if w.stop = w.yield(&job); w.stop != nil {
			return w.stop
		}
	}
}
