package machine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

const day = 24 * time.Hour

// soon is within what a step of these tests takes on a busy host; all waits that
// they are about are a day, if they follow the machine's clock.
const soon = time.Hour

// TestClockJumps sets the machine's clock a day ahead, and back again, while tasks
// run and wait: nobody measures time by it.
func TestClockJumps(t *testing.T) {
	s := installed(t)
	s.sh(`mkdir -p /etc/octaskly/executor.d /etc/octaskly/dispatcher.d
		echo 'slots = 6' > /etc/octaskly/executor.d/clock.toml
		` + leased + ` > /etc/octaskly/dispatcher.d/clock.toml`)
	s.enable()
	s.step("ahead", func(s *site) { jump(s, day) })
	s.step("back", func(s *site) { jump(s, -day) })
	s.step("back while the dispatcher is away", jumpUnseen)
}

// setClock moves the clock.
func (s *site) setClock(by time.Duration) {
	s.Helper()
	s.sh(fmt.Sprintf("date --set @$(( $(date +%%s) + %d ))", int(by.Seconds())))
}

// alive is whatever restarts when a daemon or its watchdog is confused.
func (s *site) alive() {
	s.Helper()
	s.says("systemctl show --value -p NRestarts octasklyd-executor octasklyd-worker octasklyd-dispatcher | tr -d '\\n'", "000")
	s.says("journalctl -q -o cat -u octasklyd-dispatcher | grep 'Worker is lost' || true", "")
}

func jump(s *site, by time.Duration) {
	running, drained := s.gated("exit 3"), s.gated("exit 5")
	timed := s.sh("octasklyctl submit --timeout 30s -- sleep 1000")
	s.await(`octasklyctl show -o json ` + timed + ` | grep '"state":"running"'`)
	retried := s.sh("octasklyctl submit --retries 1 --backoff 20s -- sh -c 'exit 4'")
	s.await(`octasklyctl show -o json ` + retried + ` | grep '"failures":1'`)
	s.sh("octasklyctl worker drain --deadline 1h --reason jump vm")

	s.setClock(by)
	s.pass(2 * lease)
	s.says("octasklyctl show -o json "+drained+" | grep -c '\"state\":\"running\"'", "1") // its deadline is an hour away
	s.sh("octasklyctl worker resume vm")
	s.says("octasklyctl run -- echo now", "now")
	s.ends(timed, 124, 1)
	s.ends(retried, 4, 2)
	s.open(running)
	s.ends(running, 3, 1)
	for _, id := range []string{running, timed, retried} {
		s.plausible(id)
	}

	s.sh("octasklyctl worker drain --deadline 1s vm")
	s.await(`octasklyctl show -o json ` + drained + ` | grep '"reason":"released"'`)
	s.sh("systemctl restart octasklyd-worker && octasklyctl worker resume vm")
	s.connected() // certificates are good, too
	s.begun(drained, 2)
	s.open(drained)
	s.ends(drained, 5, 2)
	s.alive()
}

// plausible wants the times of a task's attempts to tell how long they took.
func (s *site) plausible(id string) {
	s.Helper()
	d := s.show(id)
	for _, a := range d.Attempts {
		if a.StartedAt == nil || a.EndedAt == nil {
			s.Errorf("attempt %d of task %s lacks a time: %+v", a.Number, id, a)
		} else if took := a.EndedAt.Sub(*a.StartedAt); took < 0 || took > soon {
			s.Errorf("attempt %d of task %s took %v", a.Number, id, took)
		}
	}
	if text := s.sh("octasklyctl show " + id); strings.Contains(text, "23h") || strings.Contains(text, "24h") {
		s.Errorf("show speaks of a day:\n%s", text)
	}
}

// A retry that waits is not held up by a day where the clock was set back while
// the dispatcher was away.
func jumpUnseen(s *site) {
	running := s.gated("exit 3")
	retried := s.sh("octasklyctl submit --retries 1 --backoff 30s -- sh -c 'exit 4'")
	s.await(`octasklyctl show -o json ` + retried + ` | grep '"failures":1'`)
	s.sh("systemctl stop octasklyd-dispatcher.service octasklyd-dispatcher.socket")
	s.setClock(-day)
	s.sh("systemctl start octasklyd-dispatcher.service")
	s.connected()
	s.ends(retried, 4, 2)
	s.open(running)
	s.ends(running, 3, 1)
	if d := s.show(running); d.State != octaskly.Failed {
		s.Errorf("it is %+v", d)
	}
	s.plausible(running)
	s.says("octasklyctl run -- echo now", "now")
}
