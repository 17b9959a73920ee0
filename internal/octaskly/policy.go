package octaskly

import (
	"cmp"
	"fmt"
	"slices"
)

// Policy is the operator's word on how commands are isolated and bounded: for
// submissions that do not say it, and the least for those that do.
type Policy struct {
	Level  Level  // of a submission that names none; 0: what AutoLevel says of the fleet
	Floor  Level  // no submission goes below; 0: LevelNone
	Preset string // for one that names none; empty: "default" for every level but none, which has "none"
}

// Auto stands for the zero Level and Preset of a Policy in its configuration.
const Auto = "auto"

// ParsePolicy reads the names that a configuration has.
func ParsePolicy(level, floor, preset string) (p Policy, err error) {
	if level != Auto {
		if p.Level, err = ParseLevel(level); err != nil {
			return Policy{}, err
		}
	}
	if p.Floor, err = ParseLevel(floor); err != nil {
		return Policy{}, err
	}
	if preset != Auto {
		if _, ok := Presets[preset]; !ok {
			return Policy{}, fmt.Errorf("cannot find preset %q: there are %s", preset, presetNames())
		}
		p.Preset = preset
	}
	return p, nil
}

// AutoLevel is the strictest of strict and basic that every worker offers
// together with all limits of preset default, else none. A fleet is the features
// of each worker.
func AutoLevel(fleet [][]string) Level {
	limits := Presets["default"].Limits
	needs := limits.Needs()
	for _, l := range []Level{LevelStrict, LevelBasic} {
		lacks := func(features []string) bool { return !offers(features, append(needs, l.Feature())) }
		if len(fleet) > 0 && !slices.ContainsFunc(fleet, lacks) {
			return l
		}
	}
	return LevelNone
}

func offers(features, needs []string) bool {
	return !slices.ContainsFunc(needs, func(need string) bool { return !slices.Contains(features, need) })
}

// DefaultLevel is that of a submission that names none, in a fleet of which
// AutoLevel says auto.
func (p *Policy) DefaultLevel(auto Level) Level {
	return max(cmp.Or(p.Level, auto), p.Floor, LevelNone)
}

// Resolve fills in what s does not have yet: Level, Limits, Timeout, HostNetwork,
// KeepWorkspace, and in Needs what a worker must offer for them. That holds
// wherever and whenever s runs. What w wishes is granted as it stands or refused
// by a *FieldError, never weakened. auto is what AutoLevel says of the fleet.
func (p *Policy) Resolve(s *Spec, w *Wish, auto Level) error {
	if err := w.Check(); err != nil {
		return err
	}
	level := cmp.Or(w.Level, p.DefaultLevel(auto))
	if level < p.Floor {
		return fieldErrorf("sandbox", "level %v is below %v, the least that this fleet runs; type --sandbox %v, or leave it out", level, p.Floor, p.Floor)
	}
	if err := w.checkNetwork(level); err != nil {
		return err
	}
	preset := Presets[p.presetFor(level)]
	w.fill(s, &Spec{Level: level, Limits: preset.Limits, Timeout: preset.Timeout, HostNetwork: level < LevelStrict})
	if s.openEnded() && s.Limits.Disk > 0 {
		return fieldErrorf("disk", "at level %v only a workspace can be bounded; leave out --disk or --cwd, or type --sandbox %v", level, LevelBasic)
	}
	return nil
}

func (w *Wish) checkNetwork(level Level) error {
	switch host := said(w.HostNetwork, level < LevelStrict); {
	case level == LevelNone && !host:
		return fieldErrorf("network", "level %v always has the machine's network; type --sandbox %v or a stricter one, or leave --network out", level, LevelBasic)
	case level == LevelVeryStrict && host:
		return fieldErrorf("network", "level %v never has the machine's network, %v may; type --sandbox %v, or leave --network out", level, LevelStrict, LevelStrict)
	}
	return nil
}

func (p *Policy) presetFor(level Level) string {
	switch {
	case p.Preset != "":
		return p.Preset
	case level == LevelNone:
		return "none"
	}
	return "default"
}
