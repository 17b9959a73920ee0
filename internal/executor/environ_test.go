package executor

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_DAEMON", "x")
	t.Setenv("LANG", "xx")
	r := newRig(t, config(t))
	me, err := user.Current()
	check(t, err)
	base := []string{"PATH=" + defaultPath, "HOME=" + me.HomeDir, "USER=" + me.Username, "LOGNAME=" + me.Username, "SHELL=/bin/sh", "LANG=C.UTF-8"}
	env := octaskly.Spec{Argv: []string{"env"}}
	for _, tt := range []struct {
		name   string
		change func(*Attempt)
		want   []string
	}{
		{"plain", func(*Attempt) {}, append(slices.Clone(base), "OCTASKLY_JOB_ID=42", "OCTASKLY_TASK_ID=42", "OCTASKLY_ATTEMPT=3", "OCTASKLY_WORKER=rig", "OCTASKLY_GENERATION=")},
		{"array", func(a *Attempt) { a.Array, a.ID.Index = true, 7 },
			append(slices.Clone(base), "OCTASKLY_JOB_ID=42", "OCTASKLY_ARRAY_INDEX=7", "OCTASKLY_TASK_ID=42.7", "OCTASKLY_ATTEMPT=3", "OCTASKLY_WORKER=rig", "OCTASKLY_GENERATION=")},
		{"items", func(a *Attempt) { a.Array, a.Spec.Items, a.Item = true, "blob", "a line = x" },
			append(slices.Clone(base), "OCTASKLY_JOB_ID=42", "OCTASKLY_ARRAY_INDEX=0", "OCTASKLY_ITEM=a line = x", "OCTASKLY_TASK_ID=42.0", "OCTASKLY_ATTEMPT=3", "OCTASKLY_WORKER=rig", "OCTASKLY_GENERATION=")},
		{"own", func(a *Attempt) { a.Spec.Env = []string{"HOME=/h", "A=1", "HOMER=x", "E="} },
			append(slices.DeleteFunc(slices.Clone(base), func(v string) bool { return strings.HasPrefix(v, "HOME=") }),
				"HOME=/h", "A=1", "HOMER=x", "E=", "OCTASKLY_JOB_ID=42", "OCTASKLY_TASK_ID=42", "OCTASKLY_ATTEMPT=3", "OCTASKLY_WORKER=rig", "OCTASKLY_GENERATION=")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := env
			a := &Attempt{ID: octaskly.AttemptID{Job: 42, Number: 3}, Generation: tt.name, Spec: &spec}
			tt.change(a)
			tt.want[len(tt.want)-1] += a.Generation
			r.t = t
			delete(r.finished, a.ID)
			r.Offer([]*Attempt{a})
			stdout, _ := text(t, r.end(a.ID).Output)
			got := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			delete(r.finished, a.ID)
		})
	}
}

// TestMarks wants attempts to have other marks, whichever fleet's they are.
func TestMarks(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range []*Attempt{
		{ID: octaskly.AttemptID{Job: 1, Number: 1}, Generation: "g"},
		{ID: octaskly.AttemptID{Job: 2, Number: 1}, Generation: "g"},
		{ID: octaskly.AttemptID{Job: 1, Number: 2}, Generation: "g"},
		{ID: octaskly.AttemptID{Job: 1, Number: 1}, Generation: "g", Array: true},
		{ID: octaskly.AttemptID{Job: 1, Index: 1, Number: 1}, Generation: "g", Array: true},
		{ID: octaskly.AttemptID{Job: 1, Number: 1}, Generation: "h"},
	} {
		a.Spec = &octaskly.Spec{}
		env := appendOwnEnviron(nil, a, "w1")
		marks := strings.Join(env[len(env)-markCount:], "\n")
		if seen[marks] {
			t.Errorf("%+v has the marks of another:\n%s", a, marks)
		}
		seen[marks] = true
	}
}

// TestSharedEnvironment wants attempts of one job to get each its own variables.
func TestSharedEnvironment(t *testing.T) {
	cfg := config(t)
	cfg.Slots = 1
	r := newRig(t, cfg)
	spec := shell("echo $OCTASKLY_TASK_ID $X; env | grep -c OCTASKLY_")
	spec.Env = []string{"X=y"}
	for i, want := range []string{"1.0 y\n6\n", "1.1 y\n6\n", "1.2 y\n6\n"} {
		a := &Attempt{ID: octaskly.AttemptID{Job: 1, Index: int64(i), Number: 1}, Spec: &spec, Array: true}
		r.Offer([]*Attempt{a})
		if stdout, _ := text(t, r.end(a.ID).Output); stdout != want {
			t.Errorf("element %d: %q, want %q", i, stdout, want)
		}
	}
}

func TestInheritance(t *testing.T) {
	// What a careless parent leaves open, masked or raised.
	leak, err := os.Open("/dev/null")
	check(t, err)
	defer leak.Close()
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	r := newRig(t, config(t))
	script := `
		for f in /proc/self/fd/*; do echo fd ${f##*/}; done
		umask
		grep -E '^(SigBlk|SigIgn):' /proc/self/status
		pwd`
	f := r.run(shell(script))
	wantEnd(t, f, octaskly.Completed, "")
	stdout, _ := text(t, f.Output)
	lines := strings.Split(stdout, "\n")
	// The shell itself has the directory open while it expands the pattern.
	fds := lines[:slices.IndexFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "fd ") })]
	if got := strings.Join(fds, " "); got != "fd 0 fd 1 fd 2 fd 3" && got != "fd 0 fd 1 fd 2" {
		t.Errorf("open are %q", got)
	}
	for _, want := range []string{"\n0022\n", "SigBlk:\t0000000000000000\n", "SigIgn:\t0000000000000000\n", r.dir + "/work/slot-"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in %q", want, stdout)
		}
	}
}

func TestOpenFiles(t *testing.T) {
	r := newRig(t, config(t))
	f := r.run(octaskly.Spec{Argv: []string{"ls", "-l", "/proc/self/fd"}})
	stdout, _ := text(t, f.Output)
	// total 0, 0, 1, 2 and the directory that ls reads
	if lines := strings.Count(stdout, "\n"); lines != 5 {
		t.Errorf("open are:\n%s", stdout)
	}
}

// TestOpenFileLimit wants the limit that this process was started with, and not
// the one that Go has raised for itself.
func TestOpenFileLimit(t *testing.T) {
	if os.Getenv("TEST_LIMIT") == "" {
		cmd := exec.Command("sh", "-c", `ulimit -Sn 100; exec "$0" -test.run '^TestOpenFileLimit$'`, os.Args[0])
		cmd.Env = append(os.Environ(), "TEST_LIMIT=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	var own unix.Rlimit
	check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &own))
	f := newRig(t, config(t)).run(shell("ulimit -Sn"))
	if stdout, _ := text(t, f.Output); stdout != "100\n" || own.Cur == 100 {
		t.Errorf("the command has %q, we have %d", stdout, own.Cur)
	}
}

// TestIgnoredSignals wants signals at their defaults even where we were started
// by nohup(1).
func TestIgnoredSignals(t *testing.T) {
	if os.Getenv("TEST_IGNORED") == "" {
		cmd := exec.Command("sh", "-c", `trap '' HUP INT QUIT TSTP USR1 CHLD; exec "$0" -test.run '^TestIgnoredSignals$'`, os.Args[0])
		cmd.Env = append(os.Environ(), "TEST_IGNORED=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	f := newRig(t, config(t)).run(shell("grep SigIgn /proc/self/status"))
	if stdout, _ := text(t, f.Output); stdout != "SigIgn:\t0000000000000000\n" {
		t.Errorf("the command has %q", stdout)
	}
	check(t, syscall.Kill(os.Getpid(), syscall.SIGHUP)) // we still ignore it
	check(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
}

func TestParseIgnored(t *testing.T) {
	got, err := parseIgnored("Name:\tx\nSigIgn:\t8000000000001001\nSigCgt:\tffff\n")
	if err != nil || !slices.Equal(got, []syscall.Signal{syscall.Signal(1), syscall.Signal(13), syscall.Signal(64)}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseIgnored("SigIgn:\tx\n"); err == nil {
		t.Error("no error for nonsense")
	}
}

func TestWorkingDirectory(t *testing.T) {
	r := newRig(t, config(t))
	dir := t.TempDir()
	spec := shell("pwd; touch here")
	spec.Dir = dir
	if stdout, _ := text(t, r.run(spec).Output); stdout != dir+"\n" {
		t.Errorf("pwd says %q", stdout)
	}
	if _, err := os.Stat(filepath.Join(dir, "here")); err != nil {
		t.Error("the directory of a spec was emptied")
	}
}
