package test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	stopSignal = syscall.SIGSTOP
	contSignal = syscall.SIGCONT
)

func mkfifo(t *testing.T, path string) {
	t.Helper()
	check(t, unix.Mkfifo(path, 0o600))
}

// readFifo waits for somebody to write to a FIFO and returns what that was.
func readFifo(t *testing.T, path string) string {
	t.Helper()
	type result struct {
		text []byte
		err  error
	}
	results := make(chan result, 1)
	go func() {
		text, err := os.ReadFile(path)
		results <- result{text, err}
	}()
	select {
	case r := <-results:
		check(t, r.err)
		return string(r.text)
	case <-timeout(t).Done():
		// Its own writer lets the reader go, so that nothing waits for ever.
		if f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
			f.Close()
		}
		t.Fatalf("nobody has written to %s", path)
		return ""
	}
}

// awaitEnds waits until an end has been written to an executor's journal.
func awaitEnds(t *testing.T, path string) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	check(t, err)
	defer unix.Close(fd)
	_, err = unix.InotifyAddWatch(fd, filepath.Dir(path), unix.IN_MODIFY)
	check(t, err)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return
		}
		unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 1000)
		unix.Read(fd, make([]byte, 4096))
	}
	t.Fatalf("no end was written to %s", path)
}

// alive lists the processes whose command line contains mark.
func alive(t *testing.T, mark string) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	check(t, err)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		cmdline, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err == nil && bytes.Contains(cmdline, []byte(mark)) && !bytes.Contains(cmdline, []byte("octasklyctl")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// tell says go through a FIFO to whoever reads it.
func tell(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	check(t, err)
	_, err = f.WriteString("go\n")
	check(t, err)
	check(t, f.Close())
}

// awaitSocket waits until somebody listens there.
func awaitSocket(t *testing.T, path string) {
	t.Helper()
	awaitSuccess(t, func() bool {
		conn, err := net.Dial("unix", path)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// awaitSuccess tries until it works: for what has no event to wait for.
func awaitSuccess(t *testing.T, try func() bool) {
	t.Helper()
	for ctx := timeout(t); !try(); time.Sleep(20 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("it does not come to pass")
		}
	}
}
