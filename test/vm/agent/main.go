// The agent runs in the guest of a virtual machine and does what the host says
// over a virtio-serial port. See package frame for the protocol.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/octaskly/octaskly/test/vm/guest"
)

// portName is what package vm calls the port.
const portName = "octaskly"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	device, err := find("/sys/class/virtio-ports")
	if err != nil {
		return err
	}
	port, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot open port: %w", err)
	}
	defer port.Close()
	return guest.Serve(port, guest.Wake)
}

// find returns the device of our port.
func find(class string) (string, error) {
	names, err := filepath.Glob(filepath.Join(class, "*", "name"))
	if err != nil {
		return "", err
	}
	for _, path := range names {
		if name, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(name)) == portName {
			return filepath.Join("/dev", filepath.Base(filepath.Dir(path))), nil
		}
	}
	return "", errors.New("cannot find port: the machine has none of that name")
}
