package box

import (
	"slices"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox"
	"github.com/octaskly/octaskly/test/box/boxcase"
)

func canaries(level octaskly.Level, without string) boxcase.Case {
	t := sandbox.Task{}
	sandbox.CanaryTask(&t, program, level)
	return boxcase.Case{Level: level, Argv: t.Argv, Without: without}
}

// open returns the names of those that have not held.
func open(level octaskly.Level, r boxcase.Result) (names []string) {
	for _, c := range sandbox.ReadCanaries(level, false, r.Stdout) {
		if !c.Held {
			names = append(names, c.Name)
		}
	}
	return names
}

func TestCanariesHold(t *testing.T) {
	var cases []boxcase.Case
	for _, level := range levels {
		cases = append(cases, canaries(level, ""))
	}
	for i, r := range run(t, cases...) {
		if names := open(levels[i], r); len(names) > 0 || r.Status != 0 {
			t.Errorf("%v: %q do not hold: %+v", levels[i], names, r)
		}
	}
}

// mutations are boxes without one protection, and the canaries that have to
// notice, at basic, strict and very-strict; "-": there is nothing to notice,
// "": the box cannot even be built.
var mutations = []struct {
	without string
	want    [3]string
}{
	{"user", [3]string{"", "", ""}}, // octaskly-init itself refuses to
	{"group", [3]string{"", "", ""}},
	{"seccomp", [3]string{
		"user-namespace clone3 keyrings terminal sockets mount quota",
		"user-namespace clone3 keyrings terminal sockets mount quota trace",
		"user-namespace clone3 keyrings terminal sockets mount quota trace no-network no-sharing"}},
	{"calls", [3]string{
		"user-namespace clone3 keyrings mount",
		"user-namespace clone3 keyrings mount trace",
		"user-namespace clone3 keyrings mount trace no-sharing"}},
	{"namespaces", [3]string{"user-namespace", "user-namespace", "user-namespace"}},
	{"terminal", [3]string{"terminal quota", "terminal quota", "terminal quota"}},
	{"families", [3]string{"sockets", "sockets", "sockets no-network"}},
	{"no new privileges", [3]string{"no-new-privileges", "no-new-privileges", "no-new-privileges"}},
	{"capabilities", [3]string{"capabilities", "capabilities", "capabilities"}},
	{"limits", [3]string{"limits", "limits", "limits"}},
	{"oom score", [3]string{"oom-score", "oom-score", "oom-score"}},
	{"network", [3]string{"network", "network", "network"}},
	{"ipc", [3]string{"namespaces", "namespaces", "namespaces"}},
	{"uts", [3]string{"-", "host-name", "host-name"}},
	{"cgroup", [3]string{"-", "host-name", "host-name"}},
	{"landlock", [3]string{"-", "landlock", "landlock"}},
	{"masks", [3]string{"-", "proc", "-"}},
	{"hidepid", [3]string{"-", "proc", "proc"}},
	{"subset", [3]string{"-", "-", "proc proc-only-processes"}},
	{"read-only", [3]string{"-", "root programs proc", "root programs proc"}},
	{"noexec", [3]string{"-", "proc", "execute proc"}},
	{"nodev", [3]string{"private-tmp", "private-tmp root programs devices proc", "private-tmp root programs devices proc"}},
	{"tmp", [3]string{"private-tmp", "", ""}},
	{"shm", [3]string{"private-tmp", "", "-"}},
	{"proc", [3]string{"processes", "", ""}},
	{"root", [3]string{"-", "private-tmp shadow root programs devices landlock", "private-tmp shadow root programs devices landlock execute"}},
}

func TestCanariesNotice(t *testing.T) {
	var cases []boxcase.Case
	for _, m := range mutations {
		for _, level := range levels {
			cases = append(cases, canaries(level, m.without))
		}
	}
	for i, r := range run(t, cases...) {
		m, level := mutations[i/len(levels)], cases[i].Level
		switch want := m.want[i%len(levels)]; {
		case want == "":
			if r.Err == "" {
				t.Errorf("%v without %s: there is such a box", level, m.without)
			}
		case r.Err != "":
			t.Errorf("%v without %s: %s", level, m.without, r.Err)
		default:
			compare(t, level, m.without, want, open(level, r))
		}
	}
}

// Some protections are no choice of a spec: octaskly-init gives no task root's
// rights nor a descriptor, whatever it is asked for. Without a box at all every
// canary has to notice.
func TestCanariesNoticeNoBox(t *testing.T) {
	var cases []boxcase.Case
	for _, level := range levels {
		cases = append(cases, canaries(level, boxcase.NoBox))
	}
	for i, r := range run(t, cases...) {
		var all []string
		for _, c := range sandbox.ReadCanaries(levels[i], false, "") {
			all = append(all, c.Name)
		}
		if r.Err != "" {
			t.Errorf("%v: %+v", levels[i], r)
		}
		compare(t, levels[i], "a box", strings.Join(all, " "), open(levels[i], r))
	}
}

func compare(t *testing.T, level octaskly.Level, without, want string, got []string) {
	t.Helper()
	names := strings.Fields(strings.Trim(want, "-"))
	slices.Sort(names)
	slices.Sort(got)
	if !slices.Equal(got, names) {
		t.Errorf("%v without %s: %q notice, want %q", level, without, got, names)
	}
}
