package octaskly

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	yes, no   = new(true), new(false)
	allLimits = LimitFeatures
	standard  = Presets["default"].Limits
)

func TestResolve(t *testing.T) {
	packaged := Policy{Level: LevelStrict, Floor: LevelNone, Preset: "default"}
	needs := func(words ...string) []string { return slices.Concat(words[:1], allLimits, words[1:]) }
	for name, test := range map[string]struct {
		policy Policy
		wish   Wish
		auto   Level
		want   Spec
	}{
		"no fleet": {Policy{}, Wish{}, LevelNone, Spec{Level: LevelNone, HostNetwork: true, Needs: []string{"level:none"}}},
		"auto basic": {Policy{}, Wish{}, LevelBasic,
			Spec{Level: LevelBasic, Limits: standard, HostNetwork: true, Needs: needs("level:basic")}},
		"auto strict": {Policy{}, Wish{}, LevelStrict,
			Spec{Level: LevelStrict, Limits: standard, Needs: needs("level:strict")}},
		"the floor lifts auto": {Policy{Floor: LevelStrict}, Wish{}, LevelNone,
			Spec{Level: LevelStrict, Limits: standard, Needs: needs("level:strict")}},
		"packaged": {packaged, Wish{}, LevelNone,
			Spec{Level: LevelStrict, Limits: standard, Needs: needs("level:strict")}},
		"packaged, level none": {packaged, Wish{Level: LevelNone}, LevelNone,
			Spec{Level: LevelNone, Limits: standard, HostNetwork: true, Needs: needs("level:none")}},
		"auto, level none": {Policy{}, Wish{Level: LevelNone, HostNetwork: yes}, LevelStrict,
			Spec{Level: LevelNone, HostNetwork: true, Needs: []string{"level:none"}}},
		"preset": {packaged, Wish{Preset: "strict"}, LevelNone,
			Spec{Level: LevelStrict, Limits: Presets["strict"].Limits, Timeout: 5 * time.Minute, Needs: needs("level:strict")}},
		"field over preset": {packaged, Wish{Preset: "strict", Memory: new(int64(1 << 30)), Disk: new(int64(0)), Timeout: new(time.Duration(0))}, LevelNone,
			Spec{Level: LevelStrict, Limits: Limits{CPUTime: 5 * time.Minute, Memory: 1 << 30, OpenFiles: 256, Processes: 10},
				Needs: []string{"level:strict", LimitCPUTime, LimitMemory, LimitOpenFiles, LimitProcesses}}},
		"no limits": {packaged, Wish{Preset: "none", Timeout: new(time.Minute)}, LevelNone,
			Spec{Level: LevelStrict, Timeout: time.Minute, Needs: []string{"level:strict"}}},
		"every field": {Policy{}, Wish{Level: LevelVeryStrict, CPUTime: new(time.Second), Memory: new(int64(MinMemory)), Disk: new(int64(MinDisk)),
			OpenFiles: new(int64(MinOpenFiles)), Processes: new(int64(1)), HostNetwork: no, KeepWorkspace: true}, LevelNone,
			Spec{Level: LevelVeryStrict, Limits: Limits{time.Second, MinMemory, MinDisk, MinOpenFiles, 1}, KeepWorkspace: true,
				Needs: needs("level:very-strict", KeepWorkspace)}},
		"basic without network": {packaged, Wish{Level: LevelBasic, HostNetwork: no}, LevelNone,
			Spec{Level: LevelBasic, Limits: standard, Needs: needs("level:basic")}},
		"strict with network": {packaged, Wish{HostNetwork: yes, KeepWorkspace: true}, LevelNone,
			Spec{Level: LevelStrict, Limits: standard, HostNetwork: true, KeepWorkspace: true, Needs: needs("level:strict", NetworkHost, KeepWorkspace)}},
	} {
		var got Spec
		err := test.policy.Resolve(&got, &test.wish, test.auto)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// What a spec needs already it goes on to need.
func TestResolveKeepsNeeds(t *testing.T) {
	s := Spec{Needs: slices.Grow([]string{"stdin"}, 9)}
	other := s
	for spec, level := range map[*Spec]Level{&s: LevelBasic, &other: LevelStrict} {
		if err := (&Policy{Preset: "none"}).Resolve(spec, &Wish{Level: level}, 0); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"stdin", "level:basic"}; !slices.Equal(s.Needs, want) {
		t.Errorf("got %q, want %q", s.Needs, want)
	}
}

func TestResolveRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		policy     Policy
		wish       Wish
		field, why string
	}{
		"below the floor": {Policy{Floor: LevelStrict}, Wish{Level: LevelNone}, "sandbox",
			"level none is below strict, the least that this fleet runs; type --sandbox strict, or leave it out"},
		"just below the floor": {Policy{Floor: LevelVeryStrict}, Wish{Level: LevelStrict}, "sandbox", "below very-strict"},
		"no level":             {Policy{}, Wish{Level: 9}, "sandbox", "level(9) is none of [none basic strict very-strict]"},
		"none without network": {Policy{}, Wish{Level: LevelNone, HostNetwork: no}, "network",
			"level none always has the machine's network; type --sandbox basic or a stricter one, or leave --network out"},
		"none by default without network": {Policy{}, Wish{HostNetwork: no}, "network", "level none always"},
		"very-strict with network": {Policy{}, Wish{Level: LevelVeryStrict, HostNetwork: yes}, "network",
			"level very-strict never has the machine's network, strict may; type --sandbox strict, or leave --network out"},
		"unknown preset":    {Policy{}, Wish{Preset: "Strict"}, "limits.preset", `no preset is named "Strict"; there are default, none, relaxed, strict`},
		"little memory":     {Policy{}, Wish{Memory: new(int64(1))}, "limits.memory", "1 is not from 1048576"},
		"negative disk":     {Policy{}, Wish{Disk: new(int64(-1))}, "disk", "-1 is not from"},
		"much time":         {Policy{}, Wish{CPUTime: new(MaxTimeout + 1)}, "cpu_time", "or 0 for no limit"},
		"many files":        {Policy{}, Wish{OpenFiles: new(int64(MaxOpenFiles + 1))}, "open_files", "32 to 1048576"},
		"many processes":    {Policy{}, Wish{Processes: new(int64(MaxProcesses + 1))}, "processes", "1 to 4194304"},
		"negative patience": {Policy{}, Wish{Timeout: new(time.Duration(-1))}, "timeout", "not from 0"},
	} {
		var s Spec
		err := test.policy.Resolve(&s, &test.wish, LevelNone)
		field, ok := errors.AsType[*FieldError](err)
		if !ok || field.Field != test.field || !strings.Contains(field.Why, test.why) {
			t.Errorf("%s: %v, want %s: %s", name, err, test.field, test.why)
		}
		if diff := cmp.Diff(Spec{}, s); diff != "" {
			t.Errorf("%s: what is refused is half resolved:\n%s", name, diff)
		}
	}
}

func TestAutoLevel(t *testing.T) {
	with := func(levels ...string) []string { return append(slices.Clone(allLimits), levels...) }
	strict, basic := with("level:none", "level:basic", "level:strict"), with("level:basic")
	for name, test := range map[string]struct {
		fleet [][]string
		want  Level
	}{
		"nobody":             {nil, LevelNone},
		"one":                {[][]string{strict}, LevelStrict},
		"the weaker counts":  {[][]string{strict, basic, strict}, LevelBasic},
		"very-strict is no":  {[][]string{with("level:very-strict")}, LevelNone},
		"nothing in common":  {[][]string{basic, with("level:strict")}, LevelNone},
		"an old one":         {[][]string{strict, {KillCgroup, "stdin"}}, LevelNone},
		"a limit is missing": {[][]string{strict, slices.DeleteFunc(slices.Clone(strict), func(f string) bool { return f == LimitDisk })}, LevelNone},
	} {
		if got := AutoLevel(test.fleet); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestParsePolicy(t *testing.T) {
	for _, test := range []struct {
		level, floor, preset string
		want                 Policy
		why                  string
	}{
		{"auto", "none", "auto", Policy{Floor: LevelNone}, ""},
		{"strict", "basic", "default", Policy{LevelStrict, LevelBasic, "default"}, ""},
		{"auto", "very-strict", "none", Policy{0, LevelVeryStrict, "none"}, ""},
		{"none", "basic", "auto", Policy{Level: LevelNone, Floor: LevelBasic}, ""}, // which lifts it
		{"loose", "none", "auto", Policy{}, `cannot read level "loose"`},
		{"auto", "auto", "auto", Policy{}, `cannot read level "auto"`},
		{"auto", "none", "lax", Policy{}, `cannot find preset "lax"`},
	} {
		got, err := ParsePolicy(test.level, test.floor, test.preset)
		if got != test.want || (err == nil) != (test.why == "") || err != nil && !strings.Contains(err.Error(), test.why) {
			t.Errorf("%s, %s, %s: %+v, %v", test.level, test.floor, test.preset, got, err)
		}
	}
}
