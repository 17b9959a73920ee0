package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStart(t *testing.T) {
	fakes(t)
	c := Start(t, Options{WorkerFlags: []string{"--colour", "red"}, Profile: "/tmp/profile"})
	if !strings.HasPrefix(c.Address(), "127.") || strings.HasPrefix(c.Address(), "127.0.0.1:") {
		t.Errorf("the dispatcher's address is %q", c.Address())
	}
	said := c.Workers[0].Logs()
	for _, want := range []string{
		"--dispatcher " + c.Address(), "--join-key-file " + filepath.Join(c.Dir, "dispatcher/fleet.key"),
		"--name w1", "--colour red", "OCTASKLY_CPUPROFILE=/tmp/profile-w1.prof", "HOME=" + c.Dir,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the worker does not see %q but\n%s", want, said)
		}
	}
}

func TestEnvironmentDoesNotLeak(t *testing.T) {
	fakes(t)
	for _, name := range []string{"OCTASKLY_SLOTS", "XDG_STATE_HOME", "HOME", "EDITOR"} {
		t.Setenv(name, "leaked")
	}
	c := Start(t, Options{})
	if logs := c.Logs(); strings.Contains(logs, "leaked") {
		t.Errorf("daemons see the caller's environment:\n%s", logs)
	}
}

func TestNotReady(t *testing.T) {
	fakes(t)
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	tests := []struct {
		flag string
		ctx  context.Context
		want []string
	}{
		{"--broken", t.Context(), []string{"exit status 3", "this one is broken"}},
		{"--silent", stopped, []string{"enough", "it said"}},
	}
	for _, tt := range tests {
		c := Open(t, Options{DispatcherFlags: []string{tt.flag}})
		if err := c.Dispatcher.Launch(); err != nil {
			t.Fatal(err)
		}
		err := c.Dispatcher.AwaitReady(tt.ctx)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v does not say %q", tt.flag, err, want)
			}
		}
	}
}

func TestRestartKeepsTheAddress(t *testing.T) {
	fakes(t)
	c := Start(t, Options{})
	for _, end := range []func() error{
		func() error { return c.Dispatcher.Restart(t.Context()) },
		func() error { return errors.Join(c.Dispatcher.Kill(), c.Dispatcher.Start(t.Context())) },
	} {
		address, pid := c.Address(), c.Dispatcher.PID()
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if c.Address() != address {
			t.Errorf("the dispatcher has moved from %s to %s", address, c.Address())
		}
		if again := c.Dispatcher.PID(); again == pid || again == 0 {
			t.Errorf("the dispatcher is process %d, and was %d", again, pid)
		}
	}
}

func TestEnds(t *testing.T) {
	fakes(t)
	c := Open(t, Options{})
	tests := []struct {
		flag string
		end  func(*Daemon) error
		code int
		err  string
	}{
		{"--good", (*Daemon).Stop, 0, ""},
		{"--grumble", (*Daemon).Stop, 5, "exit status 5"},
		{"--bad", (*Daemon).Kill, -1, ""},
	}
	for _, tt := range tests {
		w := c.Worker("w"+tt.flag, tt.flag)
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.Start(t.Context()); err == nil {
			t.Errorf("%s: a daemon starts that is running", tt.flag)
		}
		if got := fmt.Sprint(tt.end(w)); !strings.Contains(got, tt.err) || tt.err == "" && got != "<nil>" {
			t.Errorf("%s: ends with error %s, want %q", tt.flag, got, tt.err)
		}
		if code, err := w.Wait(t.Context()); code != tt.code || err != nil {
			t.Errorf("%s: exit code %d, %v; want %d", tt.flag, code, err, tt.code)
		}
		if w.PID() != 0 {
			t.Errorf("%s: the ended daemon has a pid", tt.flag)
		}
		if err := w.Signal(syscall.SIGHUP); !errors.Is(err, errNotRunning) {
			t.Errorf("%s: signalling the ended daemon: %v", tt.flag, err)
		}
		if err := w.Stop(); err != nil {
			t.Errorf("%s: stopping the ended daemon: %v", tt.flag, err)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	fakes(t)
	tests := []struct {
		name   string
		end    func(*Daemon) error
		blamed bool // the daemon, for what it left
	}{
		{"stop", (*Daemon).Stop, true},
		{"kill", (*Daemon).Kill, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := New(Options{Parent: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			w := c.Worker("w1", "--leave")
			if err := w.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			left := descendants(w.PID())
			if err := tt.end(w); err != nil {
				t.Fatal(err)
			}
			err = c.Close()
			if blamed := err != nil && strings.Contains(err.Error(), "(sleep 1000) has outlived"); blamed != tt.blamed {
				t.Errorf("closing: %v", err)
			}
			if len(left) != 1 {
				t.Fatalf("the fake has left %d processes, want 1", len(left))
			}
			if what, err := left[0].kill(killPatience); err == nil {
				t.Errorf("%s is still there", what)
			}
			if _, err := os.Stat(c.Dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the scratch directory is still there: %v", err)
			}
		})
	}
}

func TestCtl(t *testing.T) {
	fakes(t)
	c := Open(t, Options{})
	got := c.Ctl(t.Context(), "ls", "-a")
	want := map[string]any{"args": []any{"ls", "-a"}, "dir": filepath.Join(c.Dir, "home"), "socket": c.Socket()}
	var said map[string]any
	if err := json.Unmarshal([]byte(got.Stdout), &said); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("octasklyctl sees (-want +got)\n%s", diff)
	}
	if got.Code != 7 || got.Stderr != "talk\n" {
		t.Errorf("got %+v", got)
	}
}

func TestCtlIsBounded(t *testing.T) {
	fakes(t)
	c := Open(t, Options{})
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("too slow"))
	defer cancel()
	if got := c.Ctl(ctx, "hang"); got.Code != -1 || !strings.Contains(got.Stderr, "too slow") {
		t.Errorf("got %+v", got)
	}
}

func TestGivenProgramsMustExist(t *testing.T) {
	fakes(t)
	t.Setenv(BinVar, t.TempDir())
	if _, err := New(Options{}); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("error is %v", err)
	}
}

func TestTooLongForASocket(t *testing.T) {
	fakes(t)
	parent := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Parent: parent}); err == nil || !strings.Contains(err.Error(), "107") {
		t.Errorf("error is %v", err)
	}
	if left, _ := os.ReadDir(parent); len(left) != 0 {
		t.Errorf("a failed New leaves %v", left)
	}
}
