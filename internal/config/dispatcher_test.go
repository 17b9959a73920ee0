package config

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// The names that a configuration has are those that the system knows: this
// package lies beside octaskly's and cannot ask it.
func TestNamesOfLevelsAndPresets(t *testing.T) {
	var known []string
	for _, level := range octaskly.Levels {
		known = append(known, level.String())
	}
	sorted := slices.Sorted(slices.Values(presets))
	if diff := cmp.Diff(known, levels) + cmp.Diff(slices.Sorted(maps.Keys(octaskly.Presets)), sorted); diff != "" {
		t.Error(diff)
	}
	if auto != octaskly.Auto {
		t.Errorf("auto is %q here, %q there", auto, octaskly.Auto)
	}
}

// Whatever is accepted here is a policy there, and nothing else.
func TestPolicy(t *testing.T) {
	for _, sandbox := range append(slices.Clone(levels), auto, "lax", "") {
		for _, floor := range append(slices.Clone(levels), auto) {
			for _, preset := range append(slices.Clone(presets), auto, "lax") {
				d, err := LoadDispatcher(Sources{Flags: map[string]string{"sandbox": sandbox, "sandbox_floor": floor, "preset": preset}})
				_, want := octaskly.ParsePolicy(d.Sandbox, d.SandboxFloor, d.Preset)
				if (err == nil) != (want == nil) {
					t.Errorf("sandbox %q, floor %q, preset %q: %v; %v", sandbox, floor, preset, err, want)
				}
			}
		}
	}
}

func TestPolicyProblems(t *testing.T) {
	dir := configDir(t, "dispatcher.toml", "sandbox = 'basic'\nsandbox_floor = 'strict'\npreset = 'lax'\n")
	_, err := LoadDispatcher(Sources{})
	wantError(t, err,
		dir+`/dispatcher.toml:3:1: preset: "lax" is none of auto, none, default, strict, relaxed`,
	)
}

// TestAuditRetention: either bound of the audit log may be none, but not so small that
// what was done last week is gone.
func TestAuditRetention(t *testing.T) {
	for _, test := range []struct {
		key, value string
		good       bool
	}{
		{"audit", "0s", true}, {"audit", "7d", true}, {"audit", "36500d", true},
		{"audit", "1s", false}, {"audit", "6d23h", false}, {"audit", "36501d", false}, {"audit", "-7d", false},
		{"audit_rows", "0", true}, {"audit_rows", "10000", true}, {"audit_rows", "1000000000", true},
		{"audit_rows", "1", false}, {"audit_rows", "9999", false}, {"audit_rows", "1000000001", false}, {"audit_rows", "-1", false},
	} {
		_, err := LoadDispatcher(Sources{Flags: map[string]string{"retention." + test.key: test.value}})
		if (err == nil) != test.good {
			t.Errorf("%s = %s: %v", test.key, test.value, err)
		}
	}
	_, err := LoadDispatcher(Sources{Flags: map[string]string{"retention.audit": "1d"}})
	wantError(t, err, "--retention-audit: retention.audit: 1d is not from 7d to 36500d, nor 0s for no bound")
}
