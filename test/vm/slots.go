package vm

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
)

// MachinesVar names the variable that says how many machines this process runs
// at a time, 2 if it is empty. A test that needs two of them must not start the
// second while another test waits for its own: run such tests one by one.
const MachinesVar = "OCTASKLY_VM_MACHINES"

// slots holds one for each machine.
var slots = sync.OnceValues(func() (chan struct{}, error) {
	text := os.Getenv(MachinesVar)
	if text == "" {
		text = "2"
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 64 {
		return nil, fmt.Errorf("cannot use %s: %q is no number from 1 to 64", MachinesVar, text)
	}
	return make(chan struct{}, n), nil
})

// takeSlot waits for a slot and returns what frees it.
func takeSlot(ctx context.Context) (func(), error) {
	taken, err := slots()
	if err != nil {
		return nil, err
	}
	select {
	case taken <- struct{}{}:
		return func() { <-taken }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("no machine has ended: %w", context.Cause(ctx))
	}
}
