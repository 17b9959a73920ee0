package far

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// mtu is that of Ethernet, in bytes.
const mtu = 1500

// End opens a TUN device of a name in the network namespace of a process.
func End(pid int, name string) (*os.File, error) {
	type result struct {
		*os.File
		error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		file, err := open(pid, name)
		done <- result{file, err}
	}()
	r := <-done
	if r.error != nil {
		return nil, fmt.Errorf("cannot open a line's end in the namespace of process %d: %w", pid, r.error)
	}
	return r.File, nil
}

func open(pid int, name string) (*os.File, error) {
	space, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return nil, err
	}
	defer space.Close()
	if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// until waits as exactly as it can: what is sent too late would be lost time.
func until(at time.Time) {
	if d := time.Until(at); d > 0 {
		time.Sleep(d)
	}
}
