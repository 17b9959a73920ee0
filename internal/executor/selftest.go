package executor

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/quota"
	"github.com/octaskly/octaskly/internal/sandbox"
	"github.com/octaskly/octaskly/internal/spool"
)

// A self-test runs commands that try what a level or a limit must not allow, by
// the very way in which tasks are run. What does not hold is not offered.

// openDisk finds out how workspaces can be bounded.
func (x *Executor) openDisk(cfg *Boxes) error {
	if os.Geteuid() != 0 {
		x.fail(octaskly.LimitDisk, "quota", errors.New("quotas take root's rights: run octasklyd executor as root"))
		return nil
	}
	work, size := x.path("work"), cfg.Pool
	if size < 0 {
		var err error
		if size, err = quota.AutoSize(work); err != nil {
			x.fail(octaskly.LimitDisk, "quota", err)
			return nil
		}
	}
	d, err := quota.Open(work, quota.Options{Image: x.path("pool.img"), Size: size, Log: x.log})
	if err != nil {
		x.fail(octaskly.LimitDisk, "quota", err)
		return nil
	}
	x.disk = d
	return nil
}

// check adds a line to the report.
func (x *Executor) check(subject, name, what string, err error) bool {
	c := octaskly.Check{Subject: subject, Name: name, What: what, Held: err == nil}
	if err != nil {
		c.Why = err.Error()
	}
	x.checks = append(x.checks, c)
	return c.Held
}

func (x *Executor) fail(subject, name string, err error) { x.check(subject, name, "", err) }

// findOut makes the boxes and runs the self-test.
func (x *Executor) findOut(cfg *Config) error {
	x.offered = []string{x.kept.Feature(), "stdin", "merge", octaskly.KeepWorkspace}
	levels := x.levels(cfg)
	if cfg.Boxes.Untried != nil {
		x.trust(cfg.Boxes.Untried, levels)
		return nil
	}
	var trials []*trial
	for _, l := range levels {
		trials = append(trials, levelTrial(kind{l, l == octaskly.LevelBasic}, l.Feature(), cfg.Boxes.Init))
	}
	if cfg.Boxes.AllowHostNetwork && slices.Contains(levels, octaskly.LevelStrict) {
		trials = append(trials, levelTrial(kind{octaskly.LevelStrict, true}, octaskly.NetworkHost, cfg.Boxes.Init))
	}
	if cfg.Boxes.AllowNone {
		x.offered = append(x.offered, octaskly.LevelNone.Feature())
		trials = append(trials, x.limitTrials(octaskly.LevelNone)...)
	}
	if len(levels) > 0 {
		trials = append(trials, x.limitTrials(slices.Max(levels))...)
	}
	if err := x.try(trials); err != nil {
		return err
	}
	x.offerHeld(trials)
	return nil
}

// trust offers what is not tried, as far as there are means.
func (x *Executor) trust(levels, boxed []octaskly.Level) {
	means, _ := x.means()
	x.offered = append(append(x.offered, octaskly.LimitOpenFiles), means...)
	for _, l := range levels {
		if l == octaskly.LevelNone || slices.Contains(boxed, l) {
			x.offered = append(x.offered, l.Feature())
		}
	}
}

var errNoMeans = errors.New("there are no means for it on this machine")

// offerHeld adds what has held, wherever it was tried.
func (x *Executor) offerHeld(trials []*trial) {
	failed := func(feature string) bool {
		return slices.ContainsFunc(trials, func(t *trial) bool { return t.feature == feature && !t.held })
	}
	for _, t := range trials {
		if !failed(t.feature) && !slices.Contains(x.offered, t.feature) {
			x.offered = append(x.offered, t.feature)
		}
	}
}

// levels are those that boxes can be tried for.
func (x *Executor) levels(cfg *Config) []octaskly.Level {
	boxed := []octaskly.Level{octaskly.LevelBasic, octaskly.LevelStrict, octaskly.LevelVeryStrict}
	var err error
	switch {
	case os.Geteuid() != 0:
		err = errors.New("boxes take root's rights: run octasklyd executor as root")
	case cfg.Boxes.Init == "":
		err = errors.New("there is no octaskly-init on this machine: install the package, or name its path with octaskly_init")
	case cfg.Boxes.FirstUID < MaxUIDs:
		err = fmt.Errorf("the first of the users for boxes is %d, which may be somebody: choose one from %d", cfg.Boxes.FirstUID, MaxUIDs)
	case x.kept.Feature() != octaskly.KillCgroup:
		err = errors.New("there is no cgroup2 to keep a box together: boot with systemd.unified_cgroup_hierarchy=1")
	default:
		x.boxes, err = openBoxes(cfg, x.kept, x.null, x.boxesBefore)
	}
	if err == nil {
		return boxed
	}
	for _, l := range boxed {
		x.fail(l.Feature(), "box", err)
	}
	return nil
}

// trial is one command of the self-test.
type trial struct {
	feature string // that stands or falls with it
	name    string
	what    string
	spec    octaskly.Spec
	show    []string
	verdict func(end *octaskly.End, output, complaint string) []octaskly.Check // without Subject
	checks  []octaskly.Check
	held    bool
}

// trialTime bounds a trial; emulated machines are slow.
const trialTime = time.Minute

func levelTrial(k kind, feature, program string) *trial {
	t := &trial{feature: feature, name: "box"}
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
			"while :; do :; done", octaskly.Limits{CPUTime: 50 * time.Millisecond}),
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
	t := &trial{feature: feature, name: "limit", what: what}
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

// try runs all trials at once and reports on them in order.
func (x *Executor) try(trials []*trial) error {
	var group sync.WaitGroup
	errs := make([]error, len(trials))
	for i, t := range trials {
		group.Go(func() { errs[i] = x.tryOne(t, "self-test-"+strconv.Itoa(i)) })
	}
	group.Wait()
	for _, t := range trials {
		t.held = len(t.checks) > 0
		for _, c := range t.checks {
			c.Subject = t.feature
			t.held = t.held && c.Held
			x.checks = append(x.checks, c)
		}
	}
	return errors.Join(errs...)
}

// tryOne runs one trial in a slot of its own.
func (x *Executor) tryOne(t *trial, name string) error {
	s, err := newSlot(x, name)
	if err != nil {
		return err
	}
	s.worker = x.worker
	e := &entry{
		Attempt: &Attempt{Spec: &t.spec}, show: t.show, phase: running, slot: s, trial: true,
		output: spool.Create(spool.Options{Limit: 16 << 10, Head: headOfOutput}),
	}
	end, _ := s.execute(e)
	var f protocol.Finished
	x.collect(e, &f)
	var stdout, stderr bytes.Buffer
	if _, err := spool.Copy(&stdout, &stderr, bytes.NewReader(f.Output)); err != nil {
		return errors.Join(err, s.close())
	}
	t.checks = t.verdict(&end, stdout.String(), stderr.String())
	return s.close()
}
