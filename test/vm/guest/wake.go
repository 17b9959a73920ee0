package guest

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/test/vm/frame"
)

// Requests of random(4).
const (
	rndAddEntropy = 0x40085203
	rndReseedCRNG = 0x5207
)

// Wake sets this machine's clock and name, and makes its random numbers its
// own. It takes root.
func Wake(g frame.Greeting) error {
	if g.Time != 0 {
		now := unix.NsecToTimespec(g.Time)
		if err := unix.ClockSettime(unix.CLOCK_REALTIME, &now); err != nil {
			return fmt.Errorf("cannot set the clock: %w", err)
		}
	}
	if err := unix.Sethostname([]byte(g.Name)); err != nil {
		return fmt.Errorf("cannot set the host name: %w", err)
	}
	if err := reseed(g.Seed); err != nil {
		return fmt.Errorf("cannot seed the random number generator: %w", err)
	}
	return nil
}

// reseed makes the kernel use seed at once and not when its next turn comes,
// up to a minute later.
func reseed(seed []byte) error {
	random, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer random.Close()
	var info struct { // struct rand_pool_info
		bits, size int32
		buffer     [64]byte
	}
	n := copy(info.buffer[:], seed)
	info.bits, info.size = int32(n)*8, int32(n)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, random.Fd(), rndAddEntropy, uintptr(unsafe.Pointer(&info))); errno != 0 {
		return errno
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, random.Fd(), rndReseedCRNG, 0); errno != 0 {
		return errno
	}
	return nil
}
