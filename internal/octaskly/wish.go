package octaskly

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Wish is what a submission says of how its command is isolated and bounded. The
// zero Wish says nothing; a pointer is nil for what is not said, and a limit of 0
// is a wish for none.
type Wish struct {
	Level         Level  // 0: not said
	Preset        string // of Presets, for limits that are not said; empty: not said
	CPUTime       *time.Duration
	Memory        *int64
	Disk          *int64
	OpenFiles     *int64
	Processes     *int64
	Timeout       *time.Duration
	HostNetwork   *bool
	KeepWorkspace bool
}

// Check returns a *FieldError for the first wish that nothing could fulfil.
func (w *Wish) Check() error {
	if _, ok := Presets[w.Preset]; !ok && w.Preset != "" {
		return fieldErrorf("limits.preset", "no preset is named %.40q; there are %s", w.Preset, presetNames())
	}
	if _, ok := levelNames[w.Level]; !ok && w.Level != 0 {
		return fieldErrorf("sandbox", "%v is none of %v", w.Level, Levels)
	}
	if t := said(w.Timeout, 0); t < 0 || t > MaxTimeout {
		return fieldErrorf("timeout", "%v is not from 0 to ten years", t)
	}
	limits := w.limits(Limits{})
	return limits.check()
}

func presetNames() string {
	return strings.Join(slices.Sorted(maps.Keys(Presets)), ", ")
}

// Repeat makes a spec of w as it would be had it been resolved when earlier was:
// whatever w does not say is as it is there.
func (w *Wish) Repeat(s *Spec, earlier *Spec) { w.fill(s, earlier) }

// fill resolves w into s, which has none of it yet. What w does not say is as in
// unsaid.
func (w *Wish) fill(s *Spec, unsaid *Spec) {
	preset := Preset{unsaid.Limits, unsaid.Timeout}
	if w.Preset != "" {
		preset = Presets[w.Preset]
	}
	s.Level = cmp.Or(w.Level, unsaid.Level)
	s.Limits = w.limits(preset.Limits)
	if w.Disk == nil && s.openEnded() { // a preset's is for what can be bounded
		s.Limits.Disk = 0
	}
	s.Timeout = said(w.Timeout, preset.Timeout)
	s.HostNetwork = said(w.HostNetwork, unsaid.HostNetwork)
	s.KeepWorkspace = w.KeepWorkspace
	s.Needs = append(slices.Clip(s.Needs), s.demands()...)
}

// openEnded reports whether s has neither a workspace nor a /tmp of its own, which
// are what Limits.Disk bounds.
func (s *Spec) openEnded() bool { return s.Level <= LevelNone && s.Dir != "" }

func (w *Wish) limits(unsaid Limits) Limits {
	return Limits{
		CPUTime:   said(w.CPUTime, unsaid.CPUTime),
		Memory:    said(w.Memory, unsaid.Memory),
		Disk:      said(w.Disk, unsaid.Disk),
		OpenFiles: said(w.OpenFiles, unsaid.OpenFiles),
		Processes: said(w.Processes, unsaid.Processes),
	}
}

// said is the wish or, where there is none, what comes in its place.
func said[T any](wish *T, unsaid T) T {
	if wish == nil {
		return unsaid
	}
	return *wish
}

// demands are the features of a worker that can isolate and bound s as it says.
func (s *Spec) demands() (needs []string) {
	if s.Level != 0 {
		needs = append(needs, s.Level.Feature())
	}
	needs = append(needs, s.Limits.Needs()...)
	if s.HostNetwork && s.Level >= LevelStrict {
		needs = append(needs, NetworkHost)
	}
	if s.KeepWorkspace {
		needs = append(needs, KeepWorkspace)
	}
	if s.AtMostOne {
		needs = append(needs, AtMostOne)
	}
	if len(s.SecretNames) > 0 {
		needs = append(needs, SecretEnv)
	}
	return needs
}
