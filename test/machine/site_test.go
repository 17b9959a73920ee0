package machine

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/test/vm"
)

// patience bounds each step in a machine, which is some ten times slower than
// this one.
const patience = 5 * time.Minute

// site is a machine with octaskly on it.
type site struct {
	*testing.T
	*vm.Machine
}

// bare is a machine with nothing on it.
func bare(t *testing.T) *site {
	t.Helper()
	t.Parallel()
	return &site{t, vm.Boot(t, vm.Options{})}
}

// installed has the package of this tree installed.
func installed(t *testing.T) *site {
	t.Helper()
	s := bare(t)
	t.Cleanup(s.tell)
	s.install(now)
	return s
}

// tell shows what the daemons have to say of a test that failed.
func (s *site) tell() {
	if s.Failed() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.Log(s.Shell(ctx, "octasklyctl ls -a --limit 10 || true; octasklyctl worker ls || true; octasklyctl show $(octasklyctl ls -a --limit 4 -o quiet) || true; journalctl -q -o cat -n 60 -u 'octasklyd-*'").Stdout)
	}
}

// serving has both roles enabled as well.
func serving(t *testing.T) *site {
	t.Helper()
	s := installed(t)
	s.enable()
	return s
}

// step is a part of a machine's life. After one that fails the others would say
// nothing.
func (s *site) step(name string, do func(*site)) {
	s.Helper()
	if !s.Run(name, func(t *testing.T) { do(&site{t, s.Machine}) }) {
		s.FailNow()
	}
}

func (s *site) ctx() context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	s.Cleanup(cancel)
	return ctx
}

func (s *site) install(built func() (string, error)) {
	s.Helper()
	deb, err := built()
	if err != nil {
		s.Fatal(err)
	}
	vm.Must(s, s.Put(s.ctx(), deb, "/root/octaskly.deb", 0o644))
	s.sh("cat > /usr/local/bin/task-shells <<'END'\n" + taskShells + "END\nchmod 755 /usr/local/bin/task-shells")
	s.sh("dpkg --install /root/octaskly.deb")
}

// enable is what the README says, and waits until the worker is connected.
func (s *site) enable() {
	s.Helper()
	s.sh("systemctl enable --now octasklyd-dispatcher octasklyd-worker")
	s.connected()
}

func (s *site) connected() {
	s.Helper()
	s.await("octasklyctl worker ls | grep -w connected")
}

// sh runs a script that has to succeed and returns what it prints, without the
// last line's end.
func (s *site) sh(script string) string {
	s.Helper()
	return strings.TrimSuffix(vm.Must(s, s.Shell(s.ctx(), script)), "\n")
}

// await waits for a script to succeed.
func (s *site) await(condition string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	vm.Must(s, s.Await(ctx, condition))
}

// says compares what a script prints.
func (s *site) says(script, want string) {
	s.Helper()
	if got := s.sh(script); got != want {
		s.Errorf("%s\nprints %q, want %q", script, got, want)
	}
}

// fails compares how a script fails.
func (s *site) fails(account vm.Account, script string, code int, stderr string) {
	s.Helper()
	if r := account.Shell(s.ctx(), script); r.Code != code || !strings.Contains(r.Stderr, stderr) {
		s.Errorf("%s\nends with %v, want code %d and …%s…", script, r, code, stderr)
	}
}

// property is one of a unit.
func (s *site) property(unit, name string) string {
	s.Helper()
	return s.sh("systemctl show --value --property " + name + " " + unit)
}

// gated submits a task that waits for a signal, then does more, and returns its
// id.
func (s *site) gated(more string) (id string) {
	s.Helper()
	id = s.sh(`octasklyctl submit -- sh -c 'trap open=1 USR1; echo begun >&2; until [ "$open" ]; do sleep 0.1; done; ` + more + "'")
	s.begun(id, 1)
	return id
}

// begun waits until an attempt of a gated task waits for its signal.
func (s *site) begun(id string, attempt int) {
	s.Helper()
	s.await(fmt.Sprintf(`octasklyctl show -o json %s | grep '"number":%d,"state":"running"' && octasklyctl logs --stderr %[1]s 2>&1 | grep begun`, id, attempt))
}

// open lets it go on.
func (s *site) open(id string) {
	s.Helper()
	s.sh("octasklyctl signal " + id + " USR1")
}

// shells compares how many shells of tasks there are: what a shell starts is one, too,
// until it has executed its program.
func (s *site) shells(want int) {
	s.Helper()
	s.says(fmt.Sprintf("for i in 1 2 3; do n=$(task-shells | wc -l); [ $n -le %d ] && break; done; echo $n", want), strconv.Itoa(want))
}

// taskShells prints the process ids of the shells of tasks: those of users for
// boxes, and those at level none.
const taskShells = `#!/bin/sh
ps -e -o pid= -o uid= -o comm= | awk -v none=$(id -u octaskly-task || echo 0) '($2 >= 1879048192 || $2 == none) && $3 == "sh" { print $1 }'
`

func (s *site) show(id string) (d api.Detail) {
	s.Helper()
	text := s.sh("octasklyctl show -o json " + id)
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		s.Fatalf("show %s: %v\n%s", id, err, text)
	}
	return d
}

// ends waits for a task and compares its exit code and how many attempts it took.
func (s *site) ends(id string, code, attempts int) {
	s.Helper()
	s.fails(s.Account, "octasklyctl wait "+id, code, "")
	if d := s.show(id); len(d.Attempts) != attempts {
		s.Errorf("task %s took %d attempts, want %d: %+v", id, len(d.Attempts), attempts, d.Attempts)
	}
}

// lease is a short one, which leased sets.
const (
	lease  = 10 * time.Second
	leased = `printf '[limits]\nlease = "10s"\n'`
)

// pass lets some time of the machine's pass, whatever its clock is set to.
func (s *site) pass(d time.Duration) {
	s.Helper()
	var up float64
	if _, err := fmt.Sscan(s.sh("cat /proc/uptime"), &up); err != nil {
		s.Fatal(err)
	}
	s.await(fmt.Sprintf("awk '{ exit ($1 < %f) }' /proc/uptime", up+d.Seconds()))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
