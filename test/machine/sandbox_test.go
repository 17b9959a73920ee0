package machine

import (
	"strconv"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// What an installed machine offers of levels and limits, and keeps.
func TestSandbox(t *testing.T) {
	s := serving(t)
	s.step("self-test", selfTest)
	s.step("levels", levels)
	s.step("limits", limitsEnd)
	s.step("reload", reloadUnderBoxes)
	s.step("full pool", fullPool)
	s.step("workspace", keepsWorkspace)
	s.step("grants", grants)
	s.step("nothing left", nothingLeft)
}

// All holds in a machine of this kind, and everybody who asks is told.
func selfTest(s *site) {
	report := s.sh("octasklyd worker selftest")
	page := s.sh("octasklyctl worker show vm")
	for _, text := range []string{report, page} {
		for _, want := range append([]string{"basic", "strict", "very-strict"}, "cpu-time", "memory", "disk", "open-files", "processes") {
			if !strings.Contains(text, want) {
				s.Errorf("the report lacks %s:\n%s", want, text)
			}
		}
	}
	s.says("octasklyctl worker show -o json vm | grep -c '\"held\":false' || true", "0")
	s.says("octasklyctl worker ls | grep -cw very-strict", "1")
}

// A level is what was asked for, else what is configured, and never weaker than
// the floor.
func levels(s *site) {
	for _, l := range []string{"basic", "strict", "very-strict"} {
		id := s.sh("octasklyctl submit --wait --sandbox " + l + " -- true")
		if got := s.show(id).Submission.Sandbox; got != l {
			s.Errorf("task %s has level %s, want %s", id, got, l)
		}
	}
	if user, err := strconv.Atoi(s.sh("octasklyctl run -- id -u")); err != nil || user < 1879048192 {
		s.Errorf("it runs as user %d, %v", user, err)
	}
	d := s.show(s.sh("octasklyctl submit --wait -- true"))
	if d.Submission.Sandbox != "strict" || *d.Submission.Limits.Memory != octaskly.Presets["default"].Memory {
		s.Errorf("by default: %+v with %+v", d.Submission, d.Submission.Limits)
	}
	id := s.sh("octasklyctl submit --sandbox none -- true") // which the package does not offer
	s.await("octasklyctl show " + id + " | grep 'waits:.*level none'")
	s.sh("octasklyctl cancel " + id)
	s.sh("echo 'sandbox_floor = \"strict\"' > /etc/octaskly/dispatcher.d/floor.toml; systemctl restart octasklyd-dispatcher")
	s.connected()
	s.fails(s.Account, "octasklyctl run --sandbox basic -- true", 2, "below strict")
	s.sh("rm /etc/octaskly/dispatcher.d/floor.toml; systemctl restart octasklyd-dispatcher")
	s.connected()
}

// A limit that ends a task is named, with its value, the peak and the flag that
// raises it.
func limitsEnd(s *site) {
	for _, c := range []struct{ flags, script, stderr string }{
		{"--memory 24M", "head -c 100M /dev/zero | tail -c 100M", "--memory raises it"},
		{"--cpu-time 100ms", "while :; do :; done", "--cpu-time raises it"},
		{"--disk 2M", "head -c 3M /dev/zero > f", "--disk raises it"},
		{"--processes 4", "for i in 1 2 3 4 5 6; do sleep 9 & done", "--processes raises it"},
		{"--limits strict --processes 3", "for i in 1 2 3 4 5 6; do sleep 9 & done", "limit of 3 processes"},
	} {
		s.fails(s.Account, "octasklyctl run "+c.flags+" -- sh -c '"+c.script+"'", 125, c.stderr)
	}
	s.says("octasklyctl run --open-files 50 -- sh -c 'ulimit -n'", "50")
	d := s.show(s.sh("octasklyctl submit --wait --memory 24M -- sh -c 'head -c 100M /dev/zero | tail -c 100M' || true"))
	if a := d.Attempts[0]; a.Reason != octaskly.ReasonOOM || a.Limit != 24<<20 || a.Peak < 20<<20 {
		s.Errorf("%+v", a)
	}
	// What a running task uses is shown.
	id := s.sh("octasklyctl submit -- sh -c 'head -c 20M /dev/zero > f; sleep 1000'")
	s.await("octasklyctl show -o json " + id + ` | grep '"disk":2[0-9]*' | grep '"memory_peak"'`)
	s.sh("octasklyctl cancel " + id)
}

// The executor becomes its program anew while boxes run.
func reloadUnderBoxes(s *site) {
	id := s.gated("echo x > f && cat f; exit 3")
	pid := s.property("octasklyd-executor", "MainPID")
	s.sh("systemctl reload octasklyd-executor")
	s.await("journalctl -u octasklyd-executor -o cat | grep took_over=true")
	s.connected()
	if now := s.property("octasklyd-executor", "MainPID"); now != pid {
		s.Errorf("the executor's process was %s and is %s", pid, now)
	}
	s.says("octasklyctl run -- echo meanwhile", "meanwhile")
	s.open(id)
	s.ends(id, 3, 1)
	s.says("octasklyctl logs --stdout "+id, "x")

	// Until it is told to, it takes no time of the processor.
	slow := s.sh("octasklyctl submit --cpu-time 1s -- sh -c 'trap : USR1; sleep 1000 & echo begun >&2; wait; while :; do :; done'")
	s.begun(slow, 1)
	s.sh("systemctl reload octasklyd-executor")
	s.await("journalctl -u octasklyd-executor -o cat | grep -c took_over=true | grep 2")
	s.connected()
	s.open(slow)
	s.ends(slow, 125, 1)
	if d := s.show(slow); d.Reason != octaskly.ReasonCPUTime {
		s.Errorf("it ended by %s", d.Reason)
	}
}

// A task that takes all the disk it can get keeps nobody from working, and takes no
// level away when the executor tests itself meanwhile.
func fullPool(s *site) {
	id := s.sh("octasklyctl submit -- sh -c 'head -c 20G /dev/zero > f; echo full; sleep 1000'")
	s.await("octasklyctl logs " + id + " | grep full")
	before := s.sh("octasklyctl worker show -o json vm | grep -o '\"features\":[^]]*'")
	s.says("octasklyctl run -- echo beside", "beside")
	s.sh("systemctl reload octasklyd-executor")
	s.await("journalctl -u octasklyd-executor -o cat | grep -c took_over=true | grep 3")
	s.connected()
	s.says("octasklyctl worker show -o json vm | grep -o '\"features\":[^]]*'", before)
	s.says("octasklyctl run -- echo after", "after")
	s.sh("octasklyctl cancel " + id + "; octasklyctl wait " + id + " || true")
}

// The operator finds what was kept.
func keepsWorkspace(s *site) {
	id := s.sh("octasklyctl submit --wait --keep-workspace -- sh -c 'echo kept > file'")
	dir := s.show(id).Attempts[0].Workspace
	s.says("cat "+dir+"/work/file", "kept")
	s.says("stat -c '%U %a' "+dir, "root 700")
}

// What takes an operator's word is refused without it.
func grants(s *site) {
	id := s.sh("octasklyctl submit --network host -- true")
	s.await("octasklyctl show " + id + " | grep 'waits:.*network host; allow_host_network'")
	s.says("octasklyctl run -- sh -c 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d \" \"'", "lo")
	s.sh("echo 'allow_host_network = true' > /etc/octaskly/executor.d/net.toml; systemctl reload octasklyd-executor")
	s.ends(id, 0, 1)
	s.sh("ip link add dummy7 type dummy")
	s.says("octasklyctl run --network host -- grep -c dummy7 /proc/net/dev", "1")
	s.says("octasklyctl run --sandbox basic -- grep -c dummy7 /proc/net/dev", "1")
	s.says("octasklyctl run --sandbox basic --network none -- grep -c dummy7 /proc/net/dev || true", "0")
	s.fails(s.Account, "octasklyctl run --sandbox very-strict --network host -- true", 2, "very-strict")
}

// Of all this nothing stays but what was kept.
func nothingLeft(s *site) {
	s.says("ps -eo uid= | awk '$1 >= 1879048192' | wc -l", "0")
	s.says("ls -d /var/lib/octaskly/executor/work/box-* 2>/dev/null | wc -l", "0")
	s.says("systemctl --failed --no-legend", "")
	s.sh("systemctl stop octasklyd-executor")
	s.says("grep -c executor/work /proc/mounts || true", "0")
	s.says("losetup -a | grep -c octaskly || true", "0")
	s.says("ls -d /sys/fs/cgroup/octaskly.slice/octasklyd-executor.service 2>/dev/null | wc -l", "0")
}
