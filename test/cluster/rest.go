package cluster

import (
	"cmp"
	"regexp"
	"strings"
)

// REST is the dispatcher's address for HTTPS, as in https://127.0.0.1:3000; empty
// before it is ready for the first time, and where it serves none.
func (c *Cluster) REST() string { return c.rest }

// Fingerprint is that of the authority which the dispatcher says it has; see REST.
func (c *Cluster) Fingerprint() string {
	return lastOf(fingerprintSaid, c.Dispatcher.Logs())
}

var (
	restSaid        = regexp.MustCompile(`Dispatcher is ready.* rest=(https?://\S+)`)
	fingerprintSaid = regexp.MustCompile(` fingerprint=(SHA256:\S+)`)
)

func lastOf(what *regexp.Regexp, said string) string {
	all := what.FindAllStringSubmatch(said, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

// restArgs have the dispatcher serve HTTPS; after a restart where it did before.
func (c *Cluster) restArgs() []string {
	if !c.options.REST {
		return nil
	}
	_, address, _ := strings.Cut(c.rest, "://")
	return []string{"--http-listen", cmp.Or(address, "127.0.0.1:0")}
}
