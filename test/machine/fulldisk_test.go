package machine

import (
	"strconv"
	"strings"
	"testing"
)

// TestFullDisk fills the disks that the daemons keep their state on.
func TestFullDisk(t *testing.T) {
	s := installed(t)
	s.sh(`mkdir -p /etc/octaskly/executor.d /etc/octaskly/dispatcher.d
		printf 'slots = 1\ndisk_pool = "0"\n' > /etc/octaskly/executor.d/full.toml # workspaces lie on the small disk, too
		echo 'preset = "none"' > /etc/octaskly/dispatcher.d/full.toml
		` + leased + ` >> /etc/octaskly/dispatcher.d/full.toml`)
	s.small("dispatcher", 24)
	s.small("executor", 24)
	s.enable()
	s.step("dispatcher", dispatcherFull)
	s.step("executor", executorFull)
}

// small gives a daemon's state a file system of so many MiB of its own.
func (s *site) small(role string, mib int) {
	s.Helper()
	s.sh(`cd /srv; truncate -s ` + strconv.Itoa(mib) + `M ` + role + `.img
		mkfs.ext4 -q -m 0 ` + role + `.img
		mkdir -p /var/lib/octaskly/` + role + `
		mount -o loop ` + role + `.img /var/lib/octaskly/` + role)
}

// fill leaves no byte on the file system of a daemon's state, free gives back what
// fill took.
func (s *site) fill(role string) {
	s.Helper()
	s.sh(`f=/var/lib/octaskly/` + role + `/filler
		for size in 1M 4k 1; do dd if=/dev/zero bs=$size oflag=append conv=notrunc of=$f status=none 2>/dev/null || true; done
		sync $f || true; ! dd if=/dev/zero bs=4k count=1 of=$f.more status=none 2>/dev/null; rm -f $f.more`)
}

func (s *site) free(role string) { s.Helper(); s.sh("rm /var/lib/octaskly/" + role + "/filler") }

// itself runs what must leave a daemon the process that it is.
func (s *site) itself(unit string, do func()) {
	s.Helper()
	pid := s.property(unit, "MainPID")
	do()
	if now := s.property(unit, "MainPID"); now != pid {
		s.Errorf("%s was process %s and is %s", unit, pid, now)
	}
}

// While the dispatcher's disk is full, what is new is refused, what was accepted
// is safe and can be read, and what runs goes on and ends. All of it is told when
// there is room again, by the same processes.
func dispatcherFull(s *site) {
	running := s.gated("echo after; exit 3")
	var waiting []string
	for range 5 {
		waiting = append(waiting, s.sh("octasklyctl submit -- echo waited"))
	}
	s.itself("octasklyd-dispatcher", func() {
		s.itself("octasklyd-executor", func() {
			s.fill("dispatcher")
			// The write-ahead log has some room of its own; then no more.
			s.await("! octasklyctl submit --env BIG=$(head -c 60000 /dev/zero | tr '\\0' x) -- true")
			s.fails(s.Account, "octasklyctl submit -- true", 69, "the disk is full")
			s.fails(s.Account, "octasklyctl run -- true", 125, "what was accepted is safe")
			s.says("octasklyctl submit -o json -- true 2>&1 >/dev/null | grep -o '\"kind\": *\"[a-z]*\"'", `"kind":"unreachable"`)
			s.fails(s.Account, "octasklyctl cancel "+waiting[0], 69, "the disk is full")
			s.says("octasklyctl ls -a -o json | grep -c waited", "1")
			s.says("octasklyctl show -o json "+running+" | grep -c '\"state\":\"running\"'", "1")

			s.sh("kill -USR1 $(task-shells)")
			s.await("! task-shells | grep .")
			s.pass(2 * lease)
			s.says("octasklyctl show -o json "+running+" | grep -c '\"ended_at\"' || true", "0")
			s.free("dispatcher")
			s.ends(running, 3, 1)
			s.says("octasklyctl logs "+running, "after")
			for _, id := range waiting {
				s.ends(id, 0, 1)
			}
			s.says("octasklyctl run -- echo again", "again")
		})
	})
	s.says("journalctl -u octasklyd-dispatcher -o cat | grep -c 'Cannot write to the store' | awk '{ print ($1 < 300) ? \"few\" : $1 }'", "few")
}

// While the executor's disk is full, commands run and end; of their output is kept
// what there is room for, and it says that there was more.
func executorFull(s *site) {
	// It writes one mebibyte when it is told to.
	script := `trap open=1 USR1; echo begun >&2; until [ "$open" ]; do sleep 0.1; done; head -c 1048576 /dev/zero | tr "\0" x; exit 3`
	id := s.sh("octasklyctl submit -- sh -c '" + script + "'")
	s.begun(id, 1)
	s.itself("octasklyd-executor", func() {
		s.fill("executor")
		s.open(id)
		s.ends(id, 3, 1)
		if d := s.show(id); d.Attempts[0].Discarded == 0 {
			s.Errorf("its output is whole: %+v", d.Attempts[0])
		}
		if r := s.Shell(s.ctx(), "octasklyctl logs "+id+" | wc -c"); r.Code != 0 || strings.TrimSpace(r.Stdout) == "1048576" {
			s.Errorf("of an output that was cut, logs prints %v", r)
		}
		s.says("octasklyctl run -- echo fine", "fine")
		s.free("executor")
		s.says("octasklyctl run -- sh -c 'head -c 1048576 /dev/zero | tr \"\\0\" x' | wc -c", "1048576")
	})
}
