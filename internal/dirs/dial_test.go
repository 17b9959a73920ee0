package dirs

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A full queue of connections is waited for, and named when it stays full.
func TestDialWaitsForAPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	ln := listenOne(t, path)
	for full := false; !full; {
		conn, err := net.Dial("unix", path)
		if full = errors.Is(err, syscall.EAGAIN); !full {
			check(t, err)
			defer conn.Close()
		}
	}
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := Dial(short, path); !errors.Is(err, syscall.EAGAIN) {
		t.Fatalf("Dial of a full queue: %v", err)
	}
	dialed := make(chan error, 1)
	go func() {
		conn, err := Dial(t.Context(), path)
		if err == nil {
			err = conn.Close()
		}
		dialed <- err
	}()
	conn, err := ln.Accept()
	check(t, err)
	defer conn.Close()
	check(t, <-dialed)
}

func TestDialNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	if _, err := Dial(t.Context(), path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Dial of nothing: %v", err)
	}
}

// listenOne has the shortest queue that the kernel gives.
func listenOne(t *testing.T, path string) net.Listener {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	check(t, err)
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	check(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}))
	check(t, syscall.Listen(fd, 0))
	ln, err := net.FileListener(file)
	check(t, err)
	t.Cleanup(func() { ln.Close() })
	return ln
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
