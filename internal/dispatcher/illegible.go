package dispatcher

import (
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// legible decodes what a job is to run. Where that cannot be read, since its
// bytes are not those that were accepted, it comes with a spec that runs nothing.
func legible(j *octaskly.Job) (*octaskly.Spec, error) {
	spec, err := protocol.DecodeSpec(j.SpecVersion, j.Spec)
	if err != nil {
		return &octaskly.Spec{Argv: []string{"(damaged)"}}, err
	}
	return spec, nil
}

// condemn cancels what is left of a job whose spec cannot be read: it must not
// hold up the others. Its spec stays in memory for as long as something runs.
func (c *core) condemn(j *job, why error) {
	c.Log.Error("Cannot read what a task is to run; it is cancelled", "task", j.ID, "error", why)
	if _, err := c.cancel(j, j.Elements, fmt.Sprintf("what it is to run cannot be read any more: %v", why)); err != nil {
		c.Log.Error("Cannot cancel a task that cannot be read; a worker will refuse it", "task", j.ID, "error", err)
	}
}
