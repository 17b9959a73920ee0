package machine

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/vm"
)

// TestExecutorKills has one executor killed under two tasks until they have had
// enough losses, and in between restarted and upgraded by its operator, which counts
// for nothing.
func TestExecutorKills(t *testing.T) {
	s := installed(t)
	s.sh(`mkdir -p /etc/octaskly/executor.d; echo 'allow_none = true' > /etc/octaskly/executor.d/kills.toml
		install -d -o octaskly-task /srv/ledger`)
	s.enable()
	poison := s.gated("exit 3")
	// A command that leaves its session, has a child and would notice itself twice.
	once := s.sh(`octasklyctl submit --at-most-one --sandbox none -- sh -c '
		if kill -0 $(cat /srv/ledger/pid) 2>/dev/null; then echo overlap >> /srv/ledger/overlaps; fi
		echo $$ > /srv/ledger/pid; echo begun >&2
		setsid sh -c "sleep 1000; true" & wait'`)

	last := map[string]int{}
	next := func() {
		for _, id := range []string{poison, once} {
			last[id] = s.runs(id, last[id])
		}
	}
	kill := func() {
		before := s.sh(taskPIDs)
		if len(strings.Fields(before)) < 4 {
			s.Fatalf("only these processes are tasks': %q", before)
		}
		pid := s.property("octasklyd-executor", "MainPID")
		s.sh("systemctl kill --signal KILL --kill-whom main octasklyd-executor")
		s.await("systemctl show --value -p MainPID octasklyd-executor | grep -v -x -e 0 -e " + pid)
		s.says("for pid in "+before+"; do test ! -d /proc/$pid || cat /proc/$pid/cmdline; done", "")
	}
	next()
	kill()
	next()
	s.sh("systemctl restart octasklyd-executor")
	next()
	kill()
	next()
	s.sh("dpkg --install /root/octaskly.deb") // the executor becomes itself again, in place
	s.connected()
	for range 2 {
		kill()
		next()
	}
	kill() // the fifth
	for _, id := range []string{poison, once} {
		s.fails(s.Account, "octasklyctl wait "+id, 125, "its worker went away 5 times while it ran")
		d := s.show(id)
		lost, released := 0, 0
		for _, a := range d.Attempts {
			switch {
			case a.Reason == octaskly.ReasonReleased:
				released++
			case a.Reason == octaskly.ReasonWorkerLost && a.StartedAt != nil: // else nothing ran
				lost++
			}
		}
		if d.State != octaskly.Failed || d.Reason != octaskly.ReasonLostTimes(5) || lost != 5 || released != 1 {
			t.Errorf("task %s is %s, %s; %d attempts lost, %d released: %+v", id, d.State, d.Reason, lost, released, d.Attempts)
		}
	}
	s.says("cat /srv/ledger/overlaps 2>/dev/null || true", "")
	s.await("! task-shells | grep .")
	s.says("octasklyctl run -- echo fine", "fine")
	s.unlittered()
}

// runs waits for a further attempt than one before to run, and returns it.
func (s *site) runs(id string, before int) int {
	s.Helper()
	const running = `octasklyctl show -o json %s | grep -o '"number":[0-9]*,"state":"running"' | grep -o '[0-9]*' | awk '$1 > %d' | grep .`
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	said := strings.TrimSpace(vm.Must(s, s.Await(ctx, fmt.Sprintf(running, id, before))))
	n, err := strconv.Atoi(said)
	if err != nil {
		s.Fatal(err)
	}
	return n
}

// taskPIDs prints the processes in the cgroups of tasks.
const taskPIDs = `find /sys/fs/cgroup/octaskly.slice/octasklyd-executor.service/tasks -name cgroup.procs -exec cat {} + | tr '\n' ' '`

// unlittered wants nothing of a task to be left: no process, and no workspace but
// those of boxes that wait.
func (s *site) unlittered() {
	s.Helper()
	s.says("pgrep -x sleep || true", "")
	s.says(`shopt -s nullglob; cd /var/lib/octaskly/executor/work
		for box in box-*; do test -d /sys/fs/cgroup/octaskly.slice/octasklyd-executor.service/tasks/$box || echo $box; done`, "")
	const inBoxes = "cat /dev/null $(find /sys/fs/cgroup/octaskly.slice/octasklyd-executor.service/tasks -name cgroup.procs) | while read pid; do cat /proc/$pid/comm; done | sort -u"
	s.await("test \"$(" + inBoxes + ")\" = octaskly-init") // others are being made
}
