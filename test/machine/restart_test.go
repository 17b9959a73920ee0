package machine

import (
	"strings"
	"testing"
)

// What may stop and start again, one after the other on one machine.
func TestRestarts(t *testing.T) {
	s := installed(t)
	s.step("no key", noKey)
	s.step("worker", workerRestart)
	s.step("executor", executorRestart)
	s.step("socket activation", socketActivation)
}

// Restarting or killing the worker, and reloading systemd, leave commands alone.
func workerRestart(s *site) {
	id := s.gated("echo after; exit 3")
	s.sh("systemctl daemon-reload")
	s.sh("systemctl restart octasklyd-worker")
	s.connected()
	s.sh("systemctl kill --signal KILL octasklyd-worker")
	s.await("test $(systemctl show --value -p NRestarts octasklyd-worker) = 1 && octasklyctl worker ls | grep -w connected")
	s.sh("systemctl restart octasklyd-dispatcher")
	s.connected()
	s.sh("systemctl stop octasklyd-worker")
	if said := s.sh("journalctl --sync; journalctl -u octasklyd-worker -o cat"); !strings.Contains(said, "commands=1") || !strings.Contains(said, "systemctl stop octasklyd-executor") {
		s.Errorf("the worker does not say that a command goes on:\n%s", said)
	}
	s.shells(1)
	s.sh("kill -USR1 $(task-shells)") // there is no worker to tell it
	s.await("! task-shells | grep .")
	s.sh("systemctl start octasklyd-worker")
	s.ends(id, 3, 1)
	s.says("octasklyctl logs "+id, "after")
}

// An upgrade under a running task: the executor becomes the new program in place,
// its commands go on; the others restart.
func TestUpgrade(t *testing.T) {
	s := bare(t)
	s.install(earlier)
	s.enable()
	id := s.gated("echo after; exit 3")
	pid := func(unit string) string { return s.property(unit, "MainPID") }
	executor, worker, dispatcher := pid("octasklyd-executor"), pid("octasklyd-worker"), pid("octasklyd-dispatcher")
	s.says("octasklyd version", "octasklyd 1.0.0")
	s.install(now)
	s.says("octasklyd version", "octasklyd 2.0.0")
	s.connected()
	s.await("cmp /proc/" + executor + "/exe /usr/bin/octasklyd")
	if now := pid("octasklyd-executor"); now != executor {
		t.Errorf("the executor's process was %s and is %s", executor, now)
	}
	if pid("octasklyd-worker") == worker || pid("octasklyd-dispatcher") == dispatcher {
		t.Error("worker and dispatcher go on as the old program")
	}
	s.says("octasklyctl worker ls -o json | grep -o '\"version\": *\"[^\"]*\"'", `"version":"2.0.0"`)
	s.open(id)
	s.ends(id, 3, 1)
	s.says("octasklyctl logs "+id, "after")
	s.says("octasklyctl run -- echo new", "new")
	s.says("systemctl show --value -p NRestarts octasklyd-executor octasklyd-worker octasklyd-dispatcher | tr -d '\\n'", "000")
}

// Restarting the executor ends its commands; they run again.
func executorRestart(s *site) {
	id := s.gated("exit 3")
	s.sh("systemctl restart octasklyd-executor")
	s.begun(id, 2)
	s.shells(1)

	s.sh("systemctl kill --signal KILL --kill-whom main octasklyd-executor")
	s.begun(id, 3)
	s.shells(1)
	s.open(id)
	s.ends(id, 3, 3)

	id = s.gated("exit 3")
	s.sh("systemctl stop octasklyd-executor")
	s.await("test \"$(systemctl is-active octasklyd-executor.service octasklyd-executor.socket octasklyd-worker.service | sort -u)\" = inactive")
	s.shells(0)
	s.await("octasklyctl show " + id + " | grep -w queued")
	s.sh("systemctl start octasklyd-worker")
	s.begun(id, 2)
	s.open(id)
	s.ends(id, 3, 2)
}

// What waits and what runs is there after a reboot, and is done.
func TestReboot(t *testing.T) {
	s := serving(t)
	running := s.gated("exit 3")
	waiting := s.sh("octasklyctl submit --array 0-9 --cpus 2 -- sh -c 'exit 0'")
	s.Machine.Reboot(s.ctx())
	s.connected()
	s.begun(running, 2)
	s.open(running)
	s.ends(running, 3, 2)
	s.ends(waiting, 0, 0)

	// The executor stops first and says goodbye through the worker, which says it
	// to a dispatcher that still runs.
	log := s.sh("journalctl -b -1 -o cat _PID=1 + SYSLOG_IDENTIFIER=systemd | grep '^Stopped octaskly' || journalctl -b -1 -o cat | grep '^Stopped.*octaskly'")
	var order []string
	for line := range strings.Lines(log) {
		for _, role := range []string{"executor", "worker", "dispatcher"} {
			if strings.Contains(line, "octaskly "+role) {
				order = append(order, role)
			}
		}
	}
	if got := strings.Join(order, " "); got != "executor worker dispatcher" {
		t.Errorf("at shutdown they stop in the order %q:\n%s", got, log)
	}
	if said := s.sh("journalctl -b -1 -u octasklyd-dispatcher -o cat"); !strings.Contains(said, "Worker has left") {
		t.Errorf("the dispatcher heard no goodbye:\n%s", said)
	}
}

// A connection starts a service that is stopped.
func socketActivation(s *site) {
	s.says("octasklyctl run -- echo one", "one")
	s.sh("systemctl stop octasklyd-dispatcher.service")
	s.says("systemctl is-active octasklyd-dispatcher.service octasklyd-dispatcher.socket || true", "inactive\nactive")
	s.says("octasklyctl ls | grep -c 'echo one'", "1")
	s.await("systemctl is-active octasklyd-dispatcher.service")
	s.connected()
	s.says("octasklyctl run -- echo two", "two")

	// Workers may come in by a socket of systemd's, too.
	s.sh(`systemctl stop octasklyd-dispatcher.service
		cp /usr/share/doc/octaskly/examples/systemd/octasklyd-dispatcher-workers.socket /etc/systemd/system/
		systemctl daemon-reload; systemctl start octasklyd-dispatcher-workers.socket`)
	s.connected()
	s.says("systemctl is-active octasklyd-dispatcher.service octasklyd-dispatcher-workers.socket", "active\nactive")
	s.says("octasklyctl run -- echo three", "three")

	// A reload is no restart.
	pid := s.property("octasklyd-dispatcher", "MainPID")
	s.sh("echo 'log_level = \"debug\"' > /etc/octaskly/dispatcher.d/50.toml; systemctl reload octasklyd-dispatcher")
	s.await("journalctl -u octasklyd-dispatcher -o cat | grep 'read again.*DEBUG'")
	if now := s.property("octasklyd-dispatcher", "MainPID"); now != pid {
		s.Errorf("the dispatcher's process was %s and is %s", pid, now)
	}

	s.sh("systemctl stop octasklyd-dispatcher-workers.socket octasklyd-dispatcher.socket octasklyd-worker.service")
	s.says("test -e /run/octaskly/dispatcher.sock && echo there || true", "")
	s.fails(s.Account, "octasklyctl run -- true", 125, "systemctl start octasklyd-dispatcher") // the worker's socket answers
	s.says("octasklyctl worker ls | grep -c away", "1")
}

// A daemon that hangs is killed by the watchdog and started again.
func TestWatchdog(t *testing.T) {
	s := installed(t)
	s.sh(`for role in dispatcher worker executor; do
		mkdir -p /etc/systemd/system/octasklyd-$role.service.d
		printf '[Service]\nWatchdogSec=10s\nTimeoutAbortSec=1s\n' > /etc/systemd/system/octasklyd-$role.service.d/test.conf
	done; systemctl daemon-reload`)
	s.enable()
	id := s.gated("exit 3")
	for _, role := range []string{"dispatcher", "worker"} {
		s.sh("systemctl kill --kill-whom main --signal STOP octasklyd-" + role)
		s.await("test $(systemctl show --value -p NRestarts octasklyd-" + role + ") = 1")
		s.connected()
	}
	s.sh("systemctl kill --kill-whom main --signal STOP octasklyd-executor")
	s.await("test $(systemctl show --value -p NRestarts octasklyd-executor) = 1")
	s.begun(id, 2)
	s.open(id)
	s.ends(id, 3, 2)
	s.says("journalctl -u octasklyd-executor -o cat | grep -c 'Watchdog timeout'", "1")
}

// A worker without the fleet's key says what it looks for, and works soon after the
// key is there.
func noKey(s *site) {
	s.sh("systemctl enable --now octasklyd-worker")
	s.await("systemctl is-active octasklyd-worker && systemctl is-active octasklyd-executor")
	s.await("systemctl show --value -p StatusText octasklyd-worker | grep 'cannot join at'")
	s.fails(s.Account, "octasklyctl run -- true", 125, "no dispatcher serves on this machine")
	s.sh("systemctl enable --now octasklyd-dispatcher")
	s.connected() // by itself: it looks for the key again
}
