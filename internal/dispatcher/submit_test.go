package dispatcher

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

var packaged = octaskly.Policy{Level: octaskly.LevelStrict, Floor: octaskly.LevelNone, Preset: "default"}

// What a submission says and what the policy adds is in the spec, and show says it
// in the words that submit the same once more.
func TestSubmitIsResolved(t *testing.T) {
	l := goLive(t, packaged)
	standard := octaskly.Presets["default"].Limits
	for name, test := range map[string]struct {
		edit func(*api.Submission)
		want octaskly.Spec
	}{
		"nothing said": {func(*api.Submission) {}, octaskly.Spec{Level: octaskly.LevelStrict, Limits: standard}},
		"all said": {func(s *api.Submission) {
			s.Sandbox, s.Network, s.KeepWorkspace, s.Memory, s.Timeout = "strict", "host", true, 4<<20, new(api.Seconds(time.Minute))
			s.Limits = &api.Limits{Preset: "strict", Disk: new(int64(0)), CPUTime: new(api.Seconds(time.Second / 2))}
			s.AtMostOne = true
		}, octaskly.Spec{
			Level: octaskly.LevelStrict, HostNetwork: true, KeepWorkspace: true, AtMostOne: true, Timeout: time.Minute, Room: octaskly.Room{octaskly.Memory: 4 << 20},
			Limits: octaskly.Limits{CPUTime: time.Second / 2, Memory: 4 << 20, OpenFiles: 256, Processes: 10},
		}},
		"level none": {func(s *api.Submission) { s.Sandbox, s.Limits = "none", &api.Limits{Preset: "none"} },
			octaskly.Spec{Level: octaskly.LevelNone, HostNetwork: true}},
		"a preset's timeout": {func(s *api.Submission) {
			s.Sandbox, s.Limits = "basic", &api.Limits{Preset: "relaxed", Memory: new(int64(0))}
		},
			octaskly.Spec{Level: octaskly.LevelBasic, HostNetwork: true, Timeout: 24 * time.Hour,
				Limits: octaskly.Limits{CPUTime: 24 * time.Hour, Disk: 100 << 30, OpenFiles: 4096, Processes: 1000}}},
		"basic without network": {func(s *api.Submission) { s.Sandbox, s.Network = "basic", "none" }, octaskly.Spec{Level: octaskly.LevelBasic, Limits: standard}},
	} {
		id, err := l.submit(test.edit)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, want := l.stored(id), test.want
		if !slices.Contains(got.Needs, want.Level.Feature()) || slices.Contains(got.Needs, octaskly.NetworkHost) != (want.HostNetwork && want.Level == octaskly.LevelStrict) {
			t.Errorf("%s: needs %q", name, got.Needs)
		}
		want.Argv, want.Backoff, want.Needs = []string{"true"}, time.Second, got.Needs
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		again, err := l.submit(func(s *api.Submission) { *s = l.show(id).Submission })
		if err != nil {
			t.Errorf("%s, again: %v", name, err)
		} else if diff := cmp.Diff(got, l.stored(again)); diff != "" {
			t.Errorf("%s, again (-earlier +again):\n%s", name, diff)
		}
	}
}

func TestShowSaysWhatWasResolved(t *testing.T) {
	l := goLive(t, packaged)
	id, err := l.submit(func(s *api.Submission) { s.Limits, s.KeepWorkspace = &api.Limits{Disk: new(int64(0))}, true })
	l.check(err)
	s := l.show(id).Submission
	want := &api.Limits{Preset: "none", CPUTime: new(api.Seconds(time.Hour)), Memory: new(int64(2 << 30)), OpenFiles: new(int64(1024)), Processes: new(int64(1000))}
	if diff := cmp.Diff(want, s.Limits); diff != "" || s.Sandbox != "strict" || s.Network != "none" || !s.KeepWorkspace || s.Memory != 0 {
		t.Errorf("%+v\n%s", s, diff)
	}
	// One from before there were levels has none, and submits as that.
	old := submission(&octaskly.Job{}, &octaskly.Spec{Argv: []string{"true"}})
	if old.Sandbox != "none" || old.Network != "host" || *old.Limits != (api.Limits{Preset: "none"}) {
		t.Errorf("%+v", old)
	}
}

func TestSubmitRefuses(t *testing.T) {
	l := goLive(t, octaskly.Policy{Level: octaskly.LevelStrict, Floor: octaskly.LevelBasic})
	for field, test := range map[string]struct {
		edit func(*api.Submission)
		why  string
	}{
		"sandbox": {func(s *api.Submission) { s.Sandbox = "none" },
			"level none is below basic, the least that this fleet runs; type --sandbox basic, or leave it out"},
		"network": {func(s *api.Submission) { s.Sandbox, s.Network = "very-strict", "host" }, "never has the machine's network"},
	} {
		_, err := l.submit(test.edit)
		bad, ok := errors.AsType[*octaskly.FieldError](err)
		if !ok || bad.Field != field || !strings.Contains(bad.Why, test.why) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := l.d.store.Job(t.Context(), 1); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("a job that was refused is there: %v", err)
	}
}

// A fleet that is left to itself has the level that all of it offers. The level rises with the fleet, and no worker brings it down again.
func TestAutoFollowsFleet(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	level := func() octaskly.Level {
		t.Helper()
		id, err := l.submit(func(*api.Submission) {})
		l.check(err)
		spec := l.stored(id)
		if limited := spec.Limits != (octaskly.Limits{}); limited != (spec.Level != octaskly.LevelNone) {
			t.Errorf("level %v, limits %+v", spec.Level, spec.Limits)
		}
		return spec.Level
	}
	expect := func(when string, want octaskly.Level) {
		t.Helper()
		if got := level(); got != want {
			t.Errorf("%s: level %v, want %v", when, got, want)
		}
	}
	expect("no worker", octaskly.LevelNone)
	basic := l.join("basic", able(octaskly.LevelNone, octaskly.LevelBasic)...)
	expect("a basic one", octaskly.LevelBasic)
	strict := l.join("strict", able(octaskly.LevelNone, octaskly.LevelBasic, octaskly.LevelStrict)...)
	expect("and a strict one", octaskly.LevelBasic)
	basic.leave(false)
	expect("which stays", octaskly.LevelBasic)
	l.inCore(func(c *core) {
		c.workers[workerID("basic")].leaseEnd = now()
		c.surveyAt = now() // as tick does when the lease has ended
	})
	expect("alone", octaskly.LevelStrict)
	basic = l.join("basic", octaskly.LevelNone.Feature())
	expect("the other comes back with less", octaskly.LevelStrict)
	basic.leave(true)
	strict.leave(true)
	expect("nobody", octaskly.LevelStrict)
	if n := len(l.log.lines("Submissions that name no sandbox level", "level=strict")); n != 1 {
		t.Errorf("strict was announced %d times:\n%s", n, l.log.text.String())
	}
}

// A key finds its job again whatever has become of the fleet and of what was not
// said, and no other job.
func TestKeyIsRecognised(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	keyed := func(edit func(*api.Submission)) (*api.Accepted, error) {
		s := &api.Submission{Argv: []api.Text{"true"}, Key: "k", Network: "none", Limits: &api.Limits{Processes: new(int64(7))}, Memory: 2 << 20}
		edit(s)
		return l.Submit(t.Context(), s)
	}
	same := func(*api.Submission) {}
	if _, err := keyed(same); err == nil {
		t.Fatal("level none is granted without a network") // there is no worker yet
	}
	w := l.join("w", able(octaskly.LevelStrict)...)
	first, err := keyed(same)
	l.check(err)
	if first.Repeated {
		t.Error("the first is not the first")
	}
	for _, fleet := range []func(){
		func() {},
		func() { l.join("v", octaskly.LevelNone.Feature()) }, // now the policy would refuse it
		func() { w.leave(true) },
	} {
		fleet()
		for what, edit := range map[string]func(*api.Submission){
			"the same":            same,
			"less said":           func(s *api.Submission) { s.Network, s.Limits = "", nil },
			"said what was so":    func(s *api.Submission) { s.Sandbox, s.Limits.Disk = "strict", new(int64(10<<30)) },
			"said all of it":      func(s *api.Submission) { *s = l.show(octaskly.TaskID{Job: 1}).Submission },
			"a preset that is it": func(s *api.Submission) { s.Limits.Preset = "default" },
		} {
			again, err := keyed(edit)
			if err != nil || !again.Repeated || again.ID != first.ID || again.Tasks != 1 {
				t.Errorf("%s: %+v, %v", what, again, err)
			}
		}
		for what, edit := range map[string]func(*api.Submission){
			"another level":     func(s *api.Submission) { s.Sandbox, s.Network = "basic", "none" },
			"another limit":     func(s *api.Submission) { s.Limits.Processes = new(int64(8)) },
			"no limit":          func(s *api.Submission) { s.Limits.Disk = new(int64(0)) },
			"another preset":    func(s *api.Submission) { s.Limits.Preset = "relaxed" },
			"a kept workspace":  func(s *api.Submission) { s.KeepWorkspace = true },
			"at most one":       func(s *api.Submission) { s.AtMostOne = true },
			"a timeout":         func(s *api.Submission) { s.Timeout = new(api.Seconds(time.Hour)) },
			"another command":   func(s *api.Submission) { s.Argv = []api.Text{"false"} },
			"more elements":     func(s *api.Submission) { s.Array = "0-1" },
			"another network":   func(s *api.Submission) { s.Sandbox, s.Network = "strict", "host" },
			"not so much room":  func(s *api.Submission) { s.Memory = 1 << 20 },
			"room, not ceiling": func(s *api.Submission) { s.Limits.Memory = new(int64(0)) },
		} {
			if again, err := keyed(edit); !errors.Is(err, octaskly.ErrConflict) {
				t.Errorf("%s: %+v, %v", what, again, err)
			}
		}
	}
	if jobs, err := l.Jobs(t.Context(), client.Query{All: true}); err != nil || len(jobs) != 1 {
		t.Errorf("%d jobs: %v", len(jobs), err)
	}
}
