package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Network is a cable between two machines, which keep their ends when they
// reboot. What is sent while the other machine is off is lost.
type Network struct {
	dir string

	mu   sync.Mutex
	used [2]bool
}

// NewNetwork makes a network. Close ends it after its machines.
func NewNetwork() (*Network, error) {
	// Not in a test's own directory, whose path may be too long for sockets.
	dir, err := os.MkdirTemp("", "octaskly-net-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a network: %w", err)
	}
	return &Network{dir: dir}, nil
}

// Close removes the network's files.
func (n *Network) Close() error { return os.RemoveAll(n.dir) }

// nic is an end of a network. A nil one is none.
type nic struct {
	network *Network
	end     int
}

func (n *Network) plug() (*nic, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for end, used := range n.used {
		if !used {
			n.used[end] = true
			return &nic{n, end}, nil
		}
	}
	return nil, errors.New("its network has two machines already")
}

func (c *nic) unplug() {
	if c == nil {
		return
	}
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	c.network.used[c.end] = false
}

func (c *nic) arguments() []string {
	if c == nil {
		return nil
	}
	local, remote := c.socket(c.end), c.socket(1-c.end)
	return []string{"-netdev", "dgram,id=net,local.type=unix,local.path=" + local + ",remote.type=unix,remote.path=" + remote}
}

func (c *nic) socket(end int) string { return filepath.Join(c.network.dir, fmt.Sprint("end", end)) }

func (c *nic) address() string { return fmt.Sprintf("10.77.0.%d", c.end+1) }

// configure gives the guest its addresses. A machine that resumes has another
// one's hardware address until then.
func (c *nic) configure(ctx context.Context, root Account) error {
	if c == nil {
		return nil
	}
	script := fmt.Sprintf(`ip link set eth0 down
ip addr flush dev eth0
ip link set eth0 address 52:54:00:77:00:%02x
ip addr add %s/24 dev eth0
ip link set eth0 up`, c.end+1, c.address())
	if r := root.Shell(ctx, script); r.Code != 0 {
		return fmt.Errorf("cannot set up the network: %v", r)
	}
	return nil
}

// Address is the machine's address in its network, 10.77.0.1 or 10.77.0.2, or
// empty without one.
func (m *Machine) Address() string {
	if m.nic == nil {
		return ""
	}
	return m.nic.address()
}
