package executor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/quota"
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
	x.check(octaskly.LimitDisk, "quota", d.String(), nil)
	return nil
}

// check adds a line to the report.
func (x *Executor) check(subject, name, what string, err error) {
	c := octaskly.Check{Subject: subject, Name: name, What: what, Held: err == nil}
	if err != nil {
		c.Why = err.Error()
	}
	x.checks = append(x.checks, c)
}

func (x *Executor) fail(subject, name string, err error) { x.check(subject, name, "", err) }

// findOut makes the boxes and runs the self-test.
func (x *Executor) findOut(cfg *Config) error {
	x.offered = []string{x.kept.Feature(), "stdin", "merge", octaskly.KeepWorkspace, octaskly.SecretEnv}
	if x.guard.why == nil {
		x.offered = append(x.offered, octaskly.AtMostOne)
	} else {
		x.fail(octaskly.AtMostOne, "guard", x.guard.why)
	}
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
			if !c.Held && t.hindered && slices.Contains(x.offeredBefore, t.feature) {
				c.Held, c.What = true, "it held before; now there was no room to try: "+c.Why
				c.Why = ""
			}
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
	// No store has numbered it: the directory tells it from other executors' trials.
	e := &entry{
		Attempt: &Attempt{Spec: &t.spec, Generation: x.dir}, show: t.show, phase: running, slot: s, trial: true,
		output: spool.Create(spool.Options{Limit: 16 << 10, Head: headOfOutput}),
	}
	end, _ := s.execute(e)
	var f protocol.Finished
	x.collect(e, &f)
	var stdout, stderr bytes.Buffer
	if _, err := spool.Copy(&stdout, &stderr, bytes.NewReader(f.Output)); err != nil {
		return errors.Join(err, s.close())
	}
	t.hindered = t.noRoom(&end, stderr.String())
	t.checks = t.verdict(&end, stdout.String(), stderr.String())
	return s.close()
}
