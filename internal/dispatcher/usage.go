package dispatcher

import (
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// uses notes what a running attempt uses, as its worker says every few seconds.
func (t *task) uses(u octaskly.Usage, at time.Time) {
	was := t.usage
	if t.cpus = 0; was != nil && at.After(t.usedAt) {
		t.cpus = max(0, (u.CPUTime-was.CPUTime).Seconds()/at.Sub(t.usedAt).Seconds())
	}
	t.usage, t.usedAt = &u, at
}
