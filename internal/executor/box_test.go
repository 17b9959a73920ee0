package executor

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// boxRig is an executor with all it can have. Its tests run where octaskly-init
// is and nothing can be hurt: test/machine runs them in a virtual machine.
func boxRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	program := os.Getenv("TEST_OCTASKLY_INIT")
	if program == "" {
		t.Skip("TEST_OCTASKLY_INIT is not set")
	}
	cfg := config(t)
	cfg.Dir = filepath.Join("/var/lib", t.Name()) // boxes cover /tmp
	cfg.Account, _ = LookupAccount("nobody")
	t.Cleanup(func() { check(t, os.RemoveAll(cfg.Dir)) })
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	cfg.Boxes = Boxes{Init: program, AllowNone: true, AllowHostNetwork: true, FirstUID: 1 << 30, Pool: 1 << 30}
	if change != nil {
		change(&cfg)
	}
	return newRig(t, cfg)
}

// boxed is a script at a level.
func boxed(l octaskly.Level, script string) octaskly.Spec {
	s := shell(script)
	s.Level, s.HostNetwork = l, l <= octaskly.LevelBasic
	return s
}

var boxLevels = []octaskly.Level{octaskly.LevelBasic, octaskly.LevelStrict, octaskly.LevelVeryStrict}

func TestBoxSelfTest(t *testing.T) {
	r := boxRig(t, nil)
	for _, c := range r.Checks() {
		if !c.Held {
			t.Error(c)
		}
	}
	want := append([]string{octaskly.NetworkHost, octaskly.KeepWorkspace}, octaskly.LimitFeatures...)
	for _, l := range octaskly.Levels {
		want = append(want, l.Feature())
	}
	for _, feature := range want {
		if !slices.Contains(r.Features(), feature) {
			t.Errorf("%s is not offered", feature)
		}
	}
}

func TestBox(t *testing.T) {
	r := boxRig(t, nil)
	users := map[string]bool{}
	for _, l := range boxLevels {
		f := r.run(boxed(l, "id -u; echo wrong >&2; pwd; echo $OCTASKLY_TASK_ID $USER; echo x > file && cat file; exit 3"))
		wantEnd(t, f, octaskly.Failed, "exit:3")
		out, complaint := text(t, f.Output)
		user, rest, _ := strings.Cut(out, "\n")
		if n, err := strconv.Atoi(user); users[user] || err != nil || n < 1<<30 || n >= 1<<30+MaxUIDs {
			t.Errorf("level %v: user %s", l, user)
		}
		users[user] = true
		dir, rest, _ := strings.Cut(rest, "\n")
		if l > octaskly.LevelBasic && dir != "/work" {
			t.Errorf("level %v: it runs in %q", l, dir)
		}
		if want := fmt.Sprintf("%d task\nx\n", r.job); rest != want || complaint != "wrong\n" {
			t.Errorf("level %v: output %q and %q, want %q", l, rest, complaint, want)
		}
		if u := f.End.Usage; u.CPUTime == 0 || u.MemoryPeak == 0 || f.End.MaxRSS == 0 {
			t.Errorf("level %v: usage %+v", l, f.End)
		}
	}
}

func TestBoxEnds(t *testing.T) {
	r := boxRig(t, nil)
	for _, l := range boxLevels {
		wantEnd(t, r.run(boxed(l, "true")), octaskly.Completed, "")
		wantEnd(t, r.run(boxed(l, "kill -9 $$")), octaskly.Failed, "signal:9")
		slow := boxed(l, "sleep 1000")
		slow.Timeout = 100 * time.Millisecond
		wantEnd(t, r.run(slow), octaskly.TimedOut, "timeout")
		deaf := boxed(l, "trap '' TERM; sleep 1000 & sleep 1000; sleep 1000")
		deaf.Timeout = 100 * time.Millisecond
		wantEnd(t, r.run(deaf), octaskly.TimedOut, "timeout")
		id := r.offer(boxed(l, "trap 'exit 7' USR1; while :; do sleep 0.1; done"))
		r.begin(id)
		for { // the trap may not be set yet
			if err := r.Signal(id, int(syscall.SIGUSR1)); err != nil {
				break
			}
			if _, over := r.finished[id]; over {
				break
			}
			r.take()
		}
		if f := r.end(id); f.End.Reason != "exit:7" && f.End.Reason != "signal:10" {
			t.Errorf("level %v: signalled, it ended with %s", l, f.End.Reason)
		}
		id = r.offer(boxed(l, "sleep 1000"))
		r.begin(id)
		r.Stop(id, false)
		wantEnd(t, r.end(id), octaskly.Cancelled, "cancelled")
		left := r.run(boxed(l, "setsid sleep 1000 & exit 0"))
		wantEnd(t, left, octaskly.Completed, "")
		if !left.End.Leftover {
			t.Errorf("level %v: nothing is left over", l)
		}
		missing := boxed(l, "")
		missing.Argv = []string{"no-such-command"}
		wantEnd(t, r.run(missing), octaskly.Failed, "spawn:ENOENT")
		top := boxed(l, "test $(pwd) = /")
		top.Dir = "/"
		wantEnd(t, r.run(top), octaskly.Completed, "")
		nowhere := boxed(l, "true")
		nowhere.Dir = "/no/such/place"
		wantEnd(t, r.run(nowhere), octaskly.Failed, "cwd:ENOENT")
	}
	wantNothingLeft(t, r)
}

// wantNothingLeft looks for what tasks must not leave behind.
func wantNothingLeft(t *testing.T, r *rig) {
	t.Helper()
	r.boxes.hold()
	defer r.boxes.release()
	for _, pattern := range []string{"work/box-*", "work/slot-*/*"} {
		if left, _ := filepath.Glob(filepath.Join(r.dir, pattern)); len(left) > 0 {
			t.Errorf("left on disk: %v", left)
		}
	}
	place, err := os.ReadFile(filepath.Join(r.dir, "cgroup"))
	check(t, err)
	if left, _ := filepath.Glob(string(place) + "/box-*"); len(left) > 0 {
		t.Errorf("cgroups left: %v", left)
	}
}

func TestBoxLimits(t *testing.T) {
	r := boxRig(t, nil)
	for _, l := range append([]octaskly.Level{octaskly.LevelNone}, boxLevels...) {
		for _, c := range []struct {
			script string
			limits octaskly.Limits
			reason octaskly.Reason
			flag   string
		}{
			{"while :; do :; done", octaskly.Limits{CPUTime: 100 * time.Millisecond}, octaskly.ReasonCPUTime, "--cpu-time"},
			{"while :; do /bin/true; done", octaskly.Limits{CPUTime: 200 * time.Millisecond}, octaskly.ReasonCPUTime, "--cpu-time"},
			{"head -c 100M /dev/zero | tail -c 100M", octaskly.Limits{Memory: 24 << 20}, octaskly.ReasonOOM, "--memory"},
			{"for i in 1 2 3 4 5 6; do sleep 9 & done; exit 5", octaskly.Limits{Processes: 4}, octaskly.ReasonProcesses, "--processes"},
			{"head -c 3M /dev/zero > f", octaskly.Limits{Disk: 2 << 20}, octaskly.ReasonDisk, "--disk"},
			{"[ $(ulimit -n) = 40 ] || exit 1; ulimit -n 41 2>/dev/null && exit 2; exit 0", octaskly.Limits{OpenFiles: 40}, "", ""},
		} {
			spec := boxed(l, c.script)
			spec.Limits = c.limits
			f := r.run(spec)
			state := octaskly.Failed
			if c.reason == "" {
				state = octaskly.Completed
			}
			wantEnd(t, f, state, c.reason)
			if c.reason != "" && (!strings.Contains(f.End.Detail, c.flag) || f.End.Limit == 0 || f.End.Peak == 0) {
				t.Errorf("level %v, %s: %+v", l, c.script, f.End)
			}
			t.Log(l, c.reason, f.End.Detail)
		}
	}
	wantNothingLeft(t, r)
}

func TestKeepWorkspace(t *testing.T) {
	r := boxRig(t, nil)
	for _, l := range []octaskly.Level{octaskly.LevelNone, octaskly.LevelStrict} {
		spec := boxed(l, "echo kept > file; chmod 0 .")
		spec.KeepWorkspace = true
		f := r.run(spec)
		wantEnd(t, f, octaskly.Completed, "")
		found := false
		for _, name := range []string{"file", "work/file"} {
			text, err := os.ReadFile(filepath.Join(f.End.Workspace, name))
			found = found || err == nil && string(text) == "kept\n"
		}
		if !found {
			t.Errorf("level %v: nothing is kept in %q", l, f.End.Workspace)
		}
	}
	wantNothingLeft(t, r)
}

// What is on its way when a box that waits is killed by somebody runs in another.
func TestBoxDiesWaiting(t *testing.T) {
	r := boxRig(t, nil)
	wantEnd(t, r.run(boxed(octaskly.LevelStrict, "true")), octaskly.Completed, "")
	r.boxes.filling.Lock()
	for _, list := range r.boxes.ready {
		for _, p := range list {
			check(t, syscall.Kill(p.group.PID(), syscall.SIGKILL))
		}
	}
	r.boxes.filling.Unlock()
	for range 2 * maxAhead {
		wantEnd(t, r.run(boxed(octaskly.LevelStrict, "true")), octaskly.Completed, "")
	}
	wantNothingLeft(t, r)
}
