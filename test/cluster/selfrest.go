package cluster

import "regexp"

var selfSaid = regexp.MustCompile(`Worker answers for itself by REST.* rest=(https?://\S+)`)

// REST is a worker's own address for HTTP, if it serves any.
func (d *Daemon) REST() string { return lastOf(selfSaid, d.Logs()) }

// With adds flags to those of the daemon's next runs.
func (d *Daemon) With(flags ...string) *Daemon {
	args := d.args
	d.args = func() []string { return append(args(), flags...) }
	return d
}
