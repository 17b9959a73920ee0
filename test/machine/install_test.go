package machine

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/vm"
)

// A machine's life with the package, from its installation to its removal.
func TestInstalled(t *testing.T) {
	s := installed(t)
	s.step("enables nothing", enablesNothing)
	s.enable()
	s.step("run", runs)
	s.step("processes", processes)
	s.step("journal", journal)
	s.step("who may", whoMay)
	s.step("remove", removed)
}

// Installing enables nothing.
func enablesNothing(s *site) {
	s.says("systemctl is-enabled octasklyd-dispatcher.service octasklyd-worker.service octasklyd-dispatcher.socket octasklyd-worker.socket || true",
		"disabled\ndisabled\ndisabled\ndisabled")
	s.says("systemctl list-units --no-legend --all 'octasklyd-*' | grep -w active || true", "")
	s.fails(s.Account, "octasklyctl ls", 69, "/run/octaskly/dispatcher.sock")
}

// What the README says next is all it takes.
func runs(s *site) {
	s.says("octasklyctl run -- uname -s", "Linux")
	s.says("octasklyctl run -- id -un", "task")
	s.fails(s.Account, "octasklyctl run -- sh -c 'exit 3'", 3, "")
	s.fails(s.Account, "octasklyctl run -- no-such-command", 127, "not found")
	s.fails(s.Account, "octasklyctl run -- cat /var/lib/octaskly/dispatcher/octaskly.db", 1, "No such file or directory")
	s.says("octasklyctl run -- sh -c 'pwd; cut -d: -f3 /proc/self/cgroup'", "/work\n/")
	s.says("octasklyctl run --sandbox basic -- sh -c 'pwd | sed s/[0-9]*.work$//; cut -d: -f3 /proc/self/cgroup | sed s/[0-9]*$//'",
		"/var/lib/octaskly/executor/work/box-\n/octaskly.slice/octasklyd-executor.service/tasks/box-")
	s.says("octasklyctl run -- sh -c 'echo into it > /dev/stdout; id -Gn'", "into it\ntask")
	s.says("systemctl is-failed --quiet '*' && systemctl --failed --no-legend || true", "")
	s.says("dpkg -L octaskly | grep /man/.*gz", "/usr/share/man/man1/octasklyctl.1.gz\n/usr/share/man/man5/octaskly.toml.5.gz\n/usr/share/man/man8/octasklyd.8.gz")
}

// The three processes have no more rights than they need.
func processes(s *site) {
	for unit, want := range map[string]string{
		"octasklyd-dispatcher": "octaskly 0000000000000000",
		"octasklyd-worker":     "octaskly-worker 0000000000000000",
	} {
		s.says("pid=$(systemctl show --value -p MainPID "+unit+"); echo $(stat -c %U /proc/$pid) $(awk '/^CapBnd/ {print $2}' /proc/$pid/status)", want)
	}
	s.says("stat -c '%U %G %a' /run/octaskly/dispatcher.sock /run/octaskly/worker.sock /run/octaskly/executor.sock",
		"root octaskly 660\nroot octaskly 660\noctaskly-worker octaskly-worker 600")
	s.says("stat -c '%U %a' /etc/octaskly/fleet.key /var/lib/octaskly/dispatcher /var/lib/octaskly/worker /var/lib/octaskly/executor",
		"root 600\noctaskly 700\noctaskly-worker 700\nroot 711")
	s.says("cut -d: -f3 /proc/$(systemctl show --value -p MainPID octasklyd-executor)/cgroup", "/octaskly.slice/octasklyd-executor.service/keeper")
	if got := s.property("octasklyd-worker", "StatusText"); !strings.HasPrefix(got, "connected to the dispatcher at 127.0.0.1:7878") {
		s.Errorf("the worker's status is %q", got)
	}
}

// Members of group octaskly need no sudo, others are told how to become one.
func whoMay(s *site) {
	user := s.As("user")
	s.fails(user, "octasklyctl ls", 77, "sudo usermod -aG octaskly")
	s.fails(user, "octasklyctl run -- true", 125, "permission denied")
	s.sh("usermod -aG octaskly user")
	vm.Must(s, user.Shell(s.ctx(), "octasklyctl run -- true"))
	vm.Must(s, user.Shell(s.ctx(), "octasklyctl submit -- true"))
	// Nobody but the worker and root may give orders to the executor.
	vm.Must(s, user.Shell(s.ctx(), "timeout 60 octasklyd worker --executor /run/octaskly/executor.sock --state-dir ~/w --socket ~/w.sock --join-key-file ~/key 2>&1 | grep -m 1 executor.sock.*'permission denied'"))
}

// journalctl OCTASKLY_TASK=ID tells the story of a task.
func journal(s *site) {
	id := s.sh("octasklyctl submit --wait -- sh -c 'exit 3' || true")
	s.await("journalctl -q OCTASKLY_TASK=" + id + " OCTASKLY_EVENT=failed | grep -q .")
	var events []string
	for line := range strings.Lines(s.sh("journalctl -o json OCTASKLY_TASK=" + id)) {
		var entry struct {
			Event  string `json:"OCTASKLY_EVENT"`
			Worker string `json:"OCTASKLY_WORKER"`
			Unit   string `json:"_SYSTEMD_UNIT"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			s.Fatalf("%v in %s", err, line)
		}
		events = append(events, strings.TrimSuffix(strings.TrimPrefix(entry.Unit, "octasklyd-"), ".service")+" "+entry.Event)
		if entry.Event == "running" && entry.Worker != "vm" {
			s.Errorf("it runs on worker %q", entry.Worker)
		}
	}
	for _, want := range []string{"dispatcher submitted", "dispatcher failed", "executor started", "executor ended"} {
		if !slices.Contains(events, want) {
			s.Errorf("the story of a task lacks %q: %q", want, events)
		}
	}
}

// Removing stops everything, purging leaves nothing but the users.
func removed(s *site) {
	s.gated("true")
	s.sh("dpkg --remove octaskly")
	s.says("pgrep -c octasklyd || true", "0")
	s.shells(0)
	s.says("systemctl list-units --no-legend --all 'octaskly*.s*' | grep -v -e vm -e not-found || true", "")
	s.says("ls /var/lib/octaskly /etc/octaskly/fleet.key", "/etc/octaskly/fleet.key\n\n/var/lib/octaskly:\ndispatcher\nexecutor\nworker")
	s.sh("dpkg --purge octaskly")
	s.says("ls -d /var/lib/octaskly /etc/octaskly /run/octaskly /etc/systemd/system/*/octasklyd* 2>/dev/null || true", "")
	s.says("id -un octaskly octaskly-worker octaskly-task", "octaskly\noctaskly-worker\noctaskly-task")
	s.install(now)
	s.enable()
	s.says("octasklyctl run -- echo again", "again")
}
