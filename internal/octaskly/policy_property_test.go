package octaskly

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var presetsAndNone = append(slices.Sorted(maps.Keys(Presets)), "")

func drawPolicy(t *rapid.T) Policy {
	p := Policy{
		Level:  rapid.SampledFrom(append(slices.Clone(Levels), 0)).Draw(t, "level"),
		Floor:  rapid.SampledFrom(append(slices.Clone(Levels), 0)).Draw(t, "floor"),
		Preset: rapid.SampledFrom(presetsAndNone).Draw(t, "preset"),
	}
	if p.Level != 0 {
		p.Floor = min(p.Floor, p.Level)
	}
	return p
}

func drawAuto(t *rapid.T) Level {
	return rapid.SampledFrom([]Level{LevelNone, LevelBasic, LevelStrict}).Draw(t, "auto")
}

func drawWish(t *rapid.T) Wish {
	return Wish{
		Level:         rapid.SampledFrom(append(slices.Clone(Levels), 0)).Draw(t, "wished level"),
		Preset:        rapid.SampledFrom(presetsAndNone).Draw(t, "wished preset"),
		CPUTime:       drawLimit(t, "cpu time", MinCPUTime, 48*time.Hour),
		Memory:        drawLimit(t, "memory", int64(MinMemory), 16*gib),
		Disk:          drawLimit(t, "disk", int64(MinDisk), 200*gib),
		OpenFiles:     drawLimit(t, "open files", int64(MinOpenFiles), MaxOpenFiles),
		Processes:     drawLimit(t, "processes", int64(1), MaxProcesses),
		Timeout:       drawLimit(t, "timeout", time.Nanosecond, 48*time.Hour),
		HostNetwork:   rapid.SampledFrom([]*bool{nil, new(true), new(false)}).Draw(t, "network"),
		KeepWorkspace: rapid.Bool().Draw(t, "keep"),
	}
}

func drawLimit[N ~int64](t *rapid.T, name string, least, most N) *N {
	switch rapid.IntRange(0, 2).Draw(t, name) {
	case 0:
		return nil
	case 1:
		return new(N(0))
	}
	return new(N(rapid.Int64Range(int64(least), int64(most)).Draw(t, name)))
}

// Whatever is wished and whatever the policy: nothing runs below the floor, a
// worker must offer all that a spec says, nobody gets less than was wished, and
// what is wished again later is the same.
func TestResolveProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, w, auto := drawPolicy(t), drawWish(t), drawAuto(t)
		s := Spec{AtMostOne: rapid.Bool().Draw(t, "at most one")}
		again := s
		err := p.Resolve(&s, &w, auto)
		if twice := p.Resolve(&again, &w, auto); !reflect.DeepEqual(err, twice) || !reflect.DeepEqual(s, again) {
			t.Fatalf("resolved twice: %+v, %v, then %+v, %v", s, err, again, twice)
		}
		if err != nil {
			checkRefused(t, &p, &w, auto, err)
			return
		}
		checkPolicy(t, &p, &w, &s)
		checkNeeds(t, &s)
		checkWish(t, &w, &s)
		checkRepeats(t, &w, &s)
	})
}

func checkRefused(t *rapid.T, p *Policy, w *Wish, auto Level, err error) {
	field, ok := errors.AsType[*FieldError](err)
	level := max(w.Level, LevelNone)
	if w.Level == 0 {
		level = p.DefaultLevel(auto)
	}
	below := level < p.Floor
	impossible := w.HostNetwork != nil && (level == LevelNone && !*w.HostNetwork || level == LevelVeryStrict && *w.HostNetwork)
	if !ok || (field.Field == "sandbox") != below || (field.Field == "network") != (impossible && !below) {
		t.Fatalf("%+v is refused by %+v: %v", w, p, err)
	}
}

func checkPolicy(t *rapid.T, p *Policy, w *Wish, s *Spec) {
	if s.Level < LevelNone || s.Level < p.Floor {
		t.Fatalf("%v is below the floor, %v", s.Level, p.Floor)
	}
	if w.Level == 0 && p.Level != 0 && s.Level != p.Level {
		t.Fatalf("%v is not the default, %v", s.Level, p.Level)
	}
	preset, ok := Presets[p.Preset]
	if ok && reflect.DeepEqual(*w, Wish{Level: w.Level}) && (s.Limits != preset.Limits || s.Timeout != preset.Timeout) {
		t.Fatalf("%+v are not the limits of preset %s", s.Limits, p.Preset)
	}
}

func checkNeeds(t *rapid.T, s *Spec) {
	want := append([]string{s.Level.Feature()}, s.Limits.Needs()...)
	if s.HostNetwork && s.Level >= LevelStrict {
		want = append(want, NetworkHost)
	}
	if s.KeepWorkspace {
		want = append(want, KeepWorkspace)
	}
	if s.AtMostOne {
		want = append(want, AtMostOne)
	}
	if diff := cmp.Diff(want, s.Needs); diff != "" {
		t.Fatalf("needs (-want +got):\n%s", diff)
	}
	if network := s.HostNetwork; network && s.Level == LevelVeryStrict || !network && s.Level == LevelNone {
		t.Fatalf("level %v, network %v", s.Level, network)
	}
	s.Argv = []string{"true"}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	s.Argv = nil
}

func checkWish(t *rapid.T, w *Wish, s *Spec) {
	preset, wished := Presets[w.Preset]
	l := s.Limits
	for field, fine := range map[string]bool{
		"level":      w.Level == 0 || s.Level == w.Level,
		"network":    w.HostNetwork == nil || s.HostNetwork == *w.HostNetwork,
		"keep":       w.KeepWorkspace == s.KeepWorkspace,
		"cpu time":   granted(w.CPUTime, wished, preset.CPUTime, l.CPUTime),
		"memory":     granted(w.Memory, wished, preset.Memory, l.Memory),
		"disk":       granted(w.Disk, wished, preset.Disk, l.Disk),
		"open files": granted(w.OpenFiles, wished, preset.OpenFiles, l.OpenFiles),
		"processes":  granted(w.Processes, wished, preset.Processes, l.Processes),
		"timeout":    granted(w.Timeout, wished, preset.Timeout, s.Timeout),
	} {
		if !fine {
			t.Fatalf("%s: %+v was wished, %+v is granted", field, w, s)
		}
	}
}

func granted[N comparable](wish *N, preset bool, ofPreset, got N) bool {
	if wish != nil {
		return got == *wish
	}
	return !preset || got == ofPreset
}

// checkRepeats holds Repeat to recognise the same wish, and one that says less,
// and no other.
func checkRepeats(t *rapid.T, w *Wish, s *Spec) {
	less := *w
	if rapid.Bool().Draw(t, "less") {
		less.Level, less.Memory, less.Timeout, less.HostNetwork = 0, nil, nil, nil
		if w.Memory != nil || w.Timeout != nil {
			less.Preset = ""
		}
	}
	again := Spec{AtMostOne: s.AtMostOne}
	if less.Repeat(&again, s); !reflect.DeepEqual(again, *s) {
		t.Fatalf("the wish (-earlier +again):\n%s", cmp.Diff(*s, again))
	}
	other := *w
	switch rapid.IntRange(0, 3).Draw(t, "other") {
	case 0:
		other.Level = s.Level%LevelVeryStrict + 1
	case 1:
		other.Disk = new(s.Limits.Disk + 1)
	case 2:
		other.KeepWorkspace = !w.KeepWorkspace
	case 3:
		other.HostNetwork = new(!s.HostNetwork)
	}
	again = Spec{AtMostOne: s.AtMostOne}
	if other.Repeat(&again, s); reflect.DeepEqual(again, *s) {
		t.Fatalf("%+v counts as %+v", other, s)
	}
}
