package api

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func listen(t *testing.T, path string) net.Listener {
	t.Helper()
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "down", "s")
	ln := listen(t, path)
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
	want := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		want = 0o755
	}
	if info, _ := os.Stat(filepath.Dir(path)); info.Mode().Perm() != want {
		t.Errorf("its directory is %v, want %v", info.Mode().Perm(), want)
	}
	ln.Close()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the path outlives its listener: %v", err)
	}
}

// TestListenNarrow makes the mode before the path, whatever the umask lets
// through. It does not run beside tests that make files.
func TestListenNarrow(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	path := filepath.Join(t.TempDir(), "s")
	ln, err := (&net.ListenConfig{Control: narrow}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("a new socket is %v, %v", info.Mode(), err)
	}
}

func TestListenStale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln := listen(t, path)
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
	listen(t, path)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestListenRefuses(t *testing.T) {
	dir := t.TempDir()
	live := filepath.Join(dir, "live")
	listen(t, live)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(live, link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		live:                         "it is already in use by another daemon",
		file:                         "something that is no socket",
		link:                         "something that is no socket",
		dir:                          "something that is no socket",
		filepath.Join(file, "s"):     "not a directory",
		dir + strings.Repeat("/", 3): "something that is no socket",
		filepath.Join(dir, strings.Repeat("s", 108)): "unix(7) allows 107",
	} {
		ln, err := Listen(path)
		if err == nil {
			ln.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	if data, err := os.ReadFile(file); string(data) != "data" || err != nil {
		t.Errorf("the file has %q, %v", data, err)
	}
	if conn, err := net.Dial("unix", live); err != nil {
		t.Errorf("the other daemon is cut off: %v", err)
	} else {
		conn.Close()
	}
}

// TestLimitClose frees who waits for a slot.
func TestLimitClose(t *testing.T) {
	ln := newLimitListener(listen(t, filepath.Join(t.TempDir(), "s")), 1, 1)
	ln.slots <- struct{}{}
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if conn, err := ln.Accept(); err != net.ErrClosed {
			t.Errorf("got %v, %v", conn, err)
		}
	})
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	waiting.Wait()
}
