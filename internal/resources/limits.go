package resources

import (
	"errors"

	"github.com/octaskly/octaskly/internal/octaskly"
)

var errNoLimits = errors.New("there are no cgroup2 controllers for it")

// unlimited is the part of a Group that bounds nothing and measures nothing.
type unlimited struct{}

func (unlimited) Limit(l octaskly.Limits) error {
	if l.Memory > 0 || l.Processes > 0 {
		return errNoLimits
	}
	return nil
}

func (unlimited) Usage() (octaskly.Usage, error) { return octaskly.Usage{}, nil }
func (unlimited) Struck() octaskly.Reason        { return "" }

func (c *cgroups) Limits() ([]string, error) { return nil, errNoLimits }
func (t *trees) Limits() ([]string, error)   { return nil, errNoLimits }
