package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/octaskly/octaskly/internal/dirs"
)

// Options say how the daemons are to run. All of it is optional.
type Options struct {
	// Parent is where the scratch directory is made. If empty, os.TempDir.
	Parent string
	// Host is the address that the dispatcher listens on. If empty, it is a loopback
	// address of its own: of 127.0.0.1 its port may become somebody else's while the
	// dispatcher is away.
	Host string
	// REST has the dispatcher serve HTTPS on a free port of 127.0.0.1.
	REST bool
	// DispatcherFlags and WorkerFlags are added to the usual ones, and win.
	DispatcherFlags, WorkerFlags []string
	// Under are words before the command line of a daemon, by its name, such as those
	// of nsenter(1). If nil, there are none.
	Under func(name string) []string
	// Profile is the beginning of the path of CPU profiles, which each daemon
	// writes when it ends: PROFILE-NAME.prof. If empty, there are none.
	Profile string
}

// Cluster is a dispatcher and any number of workers. It is for one goroutine,
// but that Ctl and Command are for any.
type Cluster struct {
	// Dir is the scratch directory, with DIR/NAME as state directory of each
	// daemon.
	Dir        string
	Dispatcher *Daemon
	Workers    []*Daemon

	options  Options
	host     string // an address of its own
	programs Programs
	proxies  map[string]*Proxy // by the name of their worker
	address  string            // of the dispatcher for workers, once it has told
	rest     string            // and for HTTPS
	left     []process         // below daemons when they were killed
}

// New makes a scratch directory and a dispatcher that does not run yet.
func New(o Options) (*Cluster, error) {
	programs, err := Build()
	if err != nil {
		return nil, err
	}
	dir, err := scratch(o.Parent)
	if err != nil {
		return nil, fmt.Errorf("cannot make a scratch directory: %w", err)
	}
	c := &Cluster{options: o, host: ownHost(), programs: programs, Dir: dir, proxies: map[string]*Proxy{}}
	c.Dispatcher = c.daemon("dispatcher", "listening on ", c.dispatcherArgs)
	if err := c.furnish(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot use scratch directory %q: %w", dir, err), os.RemoveAll(dir))
	}
	return c, nil
}

var hosts atomic.Uint32

// ownHost is an address of this machine (RFC 1122 section 3.2.1.3) that no connection
// goes out from, and no other cluster of this process listens on.
func ownHost() string {
	n := hosts.Add(1)
	return net.IPv4(127, byte(1+os.Getpid()%254), byte(n/254), byte(1+n%254)).String()
}

// scratch returns a path without symbolic links, as /proc tells it.
func scratch(parent string) (string, error) {
	parent, err := filepath.EvalSymlinks(cmp.Or(parent, os.TempDir()))
	if err != nil {
		return "", err
	}
	if parent, err = filepath.Abs(parent); err != nil {
		return "", err
	}
	return os.MkdirTemp(parent, "octaskly-")
}

// furnish makes what daemons and people need. Nobody has to reach the workspaces
// of an executor apart.
func (c *Cluster) furnish() error {
	if err := os.Chmod(c.Dir, 0o711); err != nil {
		return err
	}
	for _, name := range []string{"home", "run", "tmp", "config"} {
		if err := os.Mkdir(c.path(name), 0o700); err != nil {
			return err
		}
	}
	// The sockets with the longest names of all.
	return errors.Join(dirs.CheckSocket(c.Dispatcher.notify), dirs.CheckSocket(c.Socket()))
}

// Worker makes a worker that does not run yet. Names are plain file names, each
// used once; "dispatcher" is taken.
func (c *Cluster) Worker(name string, flags ...string) *Daemon {
	w := c.daemon(name, "connected to ", func() []string { return append(c.workerArgs(name), flags...) })
	c.Workers = append(c.Workers, w)
	return w
}

// Apart makes a worker that does not run yet, and the executor that is to run
// its commands, named NAME-x. For root, commands run as nobody.
func (c *Cluster) Apart(name string, flags ...string) (worker, executor *Daemon) {
	own := name + "-x"
	x := c.daemon(own, "", func() []string {
		args := []string{"executor", "--state-dir", c.path(own), "--socket", c.path(own + ".sock"), "--slots", "4", "--allow-none", "--disk-pool", "0"}
		if os.Geteuid() == 0 {
			args = append(args, "--run-as", "nobody", "--worker-user", "root")
		}
		return append(args, flags...)
	})
	w := c.daemon(name, "connected to ", func() []string {
		return append(c.linkArgs(name), "--executor", x.socket)
	})
	c.Workers = append(c.Workers, w, x)
	return w, x
}

// Again makes a worker that is made already anew, with further flags.
func (c *Cluster) Again(w *Daemon, flags ...string) *Daemon {
	args := w.args
	w.args = func() []string { return append(args(), flags...) }
	return w
}

// Proxy puts a proxy between a worker and the dispatcher from that worker's next
// start on.
func (c *Cluster) Proxy(name string) (*Proxy, error) {
	if p := c.proxies[name]; p != nil {
		return p, nil
	}
	p, err := NewProxy(cmp.Or(c.address, nobody))
	if err == nil {
		c.proxies[name] = p
	}
	return p, err
}

// Socket is the dispatcher's control socket.
func (c *Cluster) Socket() string { return c.Dispatcher.socket }

// Address is where workers find the dispatcher; empty before it is ready for
// the first time.
func (c *Cluster) Address() string { return c.address }

func (c *Cluster) dispatcherArgs() []string {
	listen := cmp.Or(c.address, cmp.Or(c.options.Host, c.host)+":0") // after a restart, workers look for it where it was
	args := []string{"dispatcher", "--state-dir", c.path("dispatcher"), "--socket", c.Socket(), "--listen", listen}
	args = append(args, c.restArgs()...)
	return append(args, c.options.DispatcherFlags...)
}

// nobody is an address that refuses connections: port 1 is for TCPMUX (RFC 1078).
const nobody = "127.0.0.1:1"

func (c *Cluster) workerArgs(name string) []string {
	return append(append(c.linkArgs(name), "--slots", "4"), c.options.WorkerFlags...)
}

// linkArgs are those that every worker needs.
func (c *Cluster) linkArgs(name string) []string {
	dispatcher := cmp.Or(c.address, nobody)
	if p := c.proxies[name]; p != nil {
		p.aim(dispatcher)
		dispatcher = p.Address()
	}
	return []string{
		"worker", "--state-dir", c.path(name), "--socket", c.path(name + ".sock"), "--dispatcher", dispatcher,
		"--join-key-file", filepath.Join(c.path("dispatcher"), "fleet.key"), "--name", name,
	}
}

func (c *Cluster) path(name string) string { return filepath.Join(c.Dir, name) }

// daemons has the dispatcher last: workers hand in their reports as they end.
func (c *Cluster) daemons() []*Daemon {
	all := append([]*Daemon(nil), c.Workers...)
	return append(all, c.Dispatcher)
}

// Logs is what the daemons have said, at most the last 64 KiB of each.
func (c *Cluster) Logs() string {
	var all strings.Builder
	for _, d := range c.daemons() {
		fmt.Fprintf(&all, "==> %s\n%s\n", d.Name, d.Logs())
	}
	return all.String()
}

// Close ends the daemons, kills what their commands have left and removes the
// scratch directory. The error names daemons that did not end by themselves and,
// unless a daemon was killed before, processes that they should have ended.
func (c *Cluster) Close() error {
	return errors.Join(c.End(), os.RemoveAll(c.Dir))
}

// End is Close, but that the scratch directory stays for a look.
func (c *Cluster) End() error {
	var errs []error
	killed := false
	for _, d := range c.daemons() {
		errs = append(errs, d.Stop())
		killed = killed || d.killed
	}
	for _, p := range c.proxies {
		errs = append(errs, p.Close())
	}
	if found := c.sweep(); !killed {
		errs = append(errs, found)
	}
	return errors.Join(errs...)
}
