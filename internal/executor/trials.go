package executor

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox"
)

// trial is one command of the self-test.
type trial struct {
	feature string // that stands or falls with it
	name    string
	spec    octaskly.Spec
	show    []string
	verdict func(end *octaskly.End, output, complaint string) []octaskly.Check // without Subject
	checks  []octaskly.Check
	held    bool

	hindered bool // by what others use of this machine
}

// noRoom reports whether a trial says nothing, because a task of somebody's left
// it no room. That is no reason to offer less than before. A canary that has run
// is always believed.
func (t *trial) noRoom(end *octaskly.End, complaint string) bool {
	return end.StartedAt.IsZero() && end.Reason == octaskly.ReasonExecutor ||
		t.feature == octaskly.LimitDisk && strings.Contains(complaint, "No space left on device")
}

// trialTime bounds a trial; emulated machines are slow.
const trialTime = time.Minute

func levelTrial(k kind, feature, program string) *trial {
	t := &trial{feature: feature}
	var task sandbox.Task
	task.HostNetwork = k.network
	sandbox.CanaryTask(&task, program, k.level)
	t.spec = octaskly.Spec{
		Argv: task.Argv, Level: k.level, HostNetwork: k.network, Timeout: trialTime, Limits: octaskly.Limits{OpenFiles: 64},
	}
	t.show = task.Show
	t.verdict = func(end *octaskly.End, output, _ string) (checks []octaskly.Check) {
		if end.StartedAt.IsZero() {
			return []octaskly.Check{{Name: "box", Why: string(end.Reason) + ": " + end.Detail}}
		}
		for _, c := range sandbox.ReadCanaries(k.level, k.network, output) {
			checks = append(checks, octaskly.Check{Name: c.Name, What: c.What, Held: c.Held, Why: c.Why})
		}
		return checks
	}
	return t
}

// limitTrials are those for which the means are there.
func (x *Executor) limitTrials(l octaskly.Level) (trials []*trial) {
	means, why := x.means()
	for _, t := range []*trial{
		limitTrial(octaskly.LimitCPUTime, "a busy loop is ended", octaskly.ReasonCPUTime,
			"ulimit -t 10; while :; do :; done", octaskly.Limits{CPUTime: 50 * time.Millisecond}),
		limitTrial(octaskly.LimitMemory, "a hungry program is ended", octaskly.ReasonOOM,
			"head -c 256M /dev/zero | tail -c 256M", octaskly.Limits{Memory: 32 << 20}),
		limitTrial(octaskly.LimitProcesses, "too many children are refused", octaskly.ReasonProcesses,
			"for i in 1 2 3 4 5 6 7 8; do sleep 60 & done; exit 3", octaskly.Limits{Processes: 4}),
		limitTrial(octaskly.LimitDisk, "too long a file is refused", octaskly.ReasonDisk,
			"head -c 4M /dev/zero > file", octaskly.Limits{Disk: 1 << 20}),
	} {
		switch {
		case slices.Contains(means, t.feature):
			trials = append(trials, t)
		case !x.reported(t.feature):
			x.fail(t.feature, "means", cmp.Or(why, errNoMeans))
		}
	}
	trials = append(trials, openFilesTrial())
	for _, t := range trials {
		t.name += " at level " + l.String()
		t.spec.Level, t.spec.HostNetwork = l, l == octaskly.LevelBasic
	}
	return trials
}

// means are the limits that groups and quotas can enforce here; why says what
// keeps groups from others.
func (x *Executor) means() (features []string, why error) {
	features, why = x.kept.Limits()
	if x.disk != nil {
		features = append(features, octaskly.LimitDisk)
	}
	return features, why
}

func (x *Executor) reported(subject string) bool {
	return slices.ContainsFunc(x.checks, func(c octaskly.Check) bool { return c.Subject == subject })
}

func limitTrial(feature, what string, want octaskly.Reason, script string, l octaskly.Limits) *trial {
	t := &trial{feature: feature, name: "limit"}
	t.spec = octaskly.Spec{Argv: []string{"sh", "-c", script}, Limits: l, Timeout: trialTime}
	t.verdict = func(end *octaskly.End, _, complaint string) []octaskly.Check {
		c := octaskly.Check{Name: t.name, What: what, Held: end.Reason == want}
		if !c.Held {
			c.Why = fmt.Sprintf("its trial ended with %v %s, not %s: %s", end.State, end.Reason, want, cmp.Or(end.Detail, complaint))
		}
		return []octaskly.Check{c}
	}
	return t
}

func openFilesTrial() *trial {
	const limit = 48
	t := &trial{feature: octaskly.LimitOpenFiles, name: "limit"}
	t.spec = octaskly.Spec{Argv: []string{"sh", "-c", "ulimit -n 49 2>/dev/null; ulimit -Hn"}, Limits: octaskly.Limits{OpenFiles: limit}, Timeout: trialTime}
	t.verdict = func(end *octaskly.End, output, complaint string) []octaskly.Check {
		c := octaskly.Check{Name: t.name, What: "no more files can be opened", Held: output == strconv.Itoa(limit)+"\n"}
		if !c.Held {
			c.Why = fmt.Sprintf("its trial ended with %v %s: %s", end.State, end.Reason, cmp.Or(end.Detail, complaint, output))
		}
		return []octaskly.Check{c}
	}
	return t
}
