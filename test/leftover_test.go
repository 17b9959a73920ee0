package test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/cluster"
)

// escape is a shell script that leaves processes behind in every way that needs
// no rights: in the background, in a session of its own, forked twice, deaf to
// TERM. Each has mark in its command line.
func escape(mark, last string) string {
	return fmt.Sprintf(`
		sleep %[1]s &
		setsid sleep %[1]s &
		(setsid sh -c 'trap "" TERM HUP; sleep %[1]s & sleep %[1]s; true' > /dev/null 2>&1 &)
		(env -i setsid sleep %[1]s > /dev/null 2>&1 &)
		until [ "$(grep -lzx %[1]s /proc/[0-9]*/cmdline 2> /dev/null | wc -l)" -ge 5 ]; do :; done
		%[2]s`, mark, last)
}

// Dead means dead: when a task has ended, in whatever way, nothing of it lives.
func TestNothingIsLeftBehind(t *testing.T) {
	c := cluster.Start(t, cluster.Options{WorkerFlags: []string{"--grace", "200ms"}})
	if !strings.Contains(must(t, c, "worker", "ls"), "cgroup") {
		t.Skip("there is no writable cgroup2 here; best effort is tested with the executor")
	}
	for _, test := range []struct {
		name, last string
		flags      []string
		code       int
	}{
		{"normal end", "exit 0", nil, 0},
		{"failure", "exit 9", nil, 9},
		{"timeout", "sleep 1000", []string{"--timeout", "1s"}, 124},
		{"deaf to TERM", "trap '' TERM; while :; do sleep 1000; done", []string{"--timeout", "1s"}, 124},
	} {
		t.Run(test.name, func(t *testing.T) {
			mark := fmt.Sprintf("1%09d", rand.IntN(1e9))
			args := append(append([]string{"run"}, test.flags...), "--", "sh", "-c", escape(mark, test.last))
			if r := c.Ctl(timeout(t), args...); r.Code != test.code {
				t.Errorf("%+v, want exit code %d", r, test.code)
			}
			if pids := alive(t, mark); len(pids) > 0 {
				t.Errorf("processes %v are still there", pids)
			}
		})
	}
	t.Run("cancel", func(t *testing.T) {
		mark := fmt.Sprintf("1%09d", rand.IntN(1e9))
		g := newGate(t)
		id := submit(t, c, "--", "sh", "-c", escape(mark, fmt.Sprintf("echo begun > %s; sleep 1000", g.begun)))
		g.await(t)
		must(t, c, "cancel", id)
		expect(t, c.Ctl(timeout(t), "wait", id), 125, "", "cancelled")
		if pids := alive(t, mark); len(pids) > 0 {
			t.Errorf("processes %v are still there", pids)
		}
	})
}
