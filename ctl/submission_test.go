package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestSubmission(t *testing.T) {
	t.Setenv("HERE", "value")
	dir := t.TempDir()
	t.Chdir(dir)
	f := newFake()
	var got *api.Order
	f.onSubmit = func(o *api.Order) error { got = o; return nil }
	d := serve(t, f)
	for _, tt := range []struct {
		args string
		want api.Order
	}{
		{"--name n --env A=1,2 --env HERE --cwd sub --timeout 1h30m --array 0-9:3%2 --retries 3 --backoff 250ms --idempotency-key k --cpus 0.5 --memory 1.5G --merge -- x -y --name z",
			api.Order{
				Job: octaskly.Job{Name: "n", Elements: octaskly.Ranges{{Lo: 0, Hi: 9, Step: 3}}, Array: true, AtOnce: 2, Key: "k"},
				Spec: octaskly.Spec{Argv: []string{"x", "-y", "--name", "z"}, Env: []string{"A=1,2", "HERE=value"}, Dir: dir + "/sub", Retries: 3, Backoff: 250 * time.Millisecond,
					Merge: true, Room: octaskly.Room{"cpu": 500, "memory": 1610612736}},
				Wish: octaskly.Wish{Timeout: new(90 * time.Minute), Memory: new(int64(1610612736))},
			}},
		{"--sandbox strict --limits relaxed --cpu-time 90 --memory 1G --disk 5GB --open-files 32 --processes 4194304 --network host --keep-workspace x",
			api.Order{Job: plainJob, Spec: octaskly.Spec{Argv: []string{"x"}, Backoff: time.Second, Room: octaskly.Room{"memory": 1 << 30}}, Wish: octaskly.Wish{
				Level: octaskly.LevelStrict, Preset: "relaxed", CPUTime: new(90 * time.Second), Memory: new(int64(1 << 30)), Disk: new(int64(5e9)),
				OpenFiles: new(int64(32)), Processes: new(int64(4194304)), HostNetwork: new(true), KeepWorkspace: true,
			}}},
		{"--cpu-time unlimited --memory unlimited --disk unlimited --open-files unlimited --processes unlimited --network none x",
			api.Order{Job: plainJob, Spec: octaskly.Spec{Argv: []string{"x"}, Backoff: time.Second}, Wish: octaskly.Wish{
				CPUTime: new(time.Duration(0)), Memory: new(int64(0)), Disk: new(int64(0)), OpenFiles: new(int64(0)), Processes: new(int64(0)), HostNetwork: new(false),
			}}},
		{"--at-most-one x", api.Order{Job: plainJob, Spec: octaskly.Spec{Argv: []string{"x"}, Backoff: time.Second, AtMostOne: true}}},
		{"--disk 64K x", api.Order{Job: plainJob, Spec: octaskly.Spec{Argv: []string{"x"}, Backoff: time.Second}, Wish: octaskly.Wish{Disk: new(int64(64 << 10))}}},
		{"x", api.Order{Job: plainJob, Spec: octaskly.Spec{Argv: []string{"x"}, Backoff: time.Second}}},
	} {
		if got := d.ctl(append([]string{"submit"}, strings.Fields(tt.args)...)...); got.code != 0 {
			t.Errorf("%s: %+v", tt.args, got)
			continue
		}
		got.Job.Owner = "" // whoever runs the tests
		if diff := cmp.Diff(tt.want, *got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.args, diff)
		}
	}
}

var plainJob = octaskly.Job{Elements: octaskly.Span(0, 0)}

func TestEachLine(t *testing.T) {
	f := newFake()
	var job *octaskly.Job
	var spec *octaskly.Spec
	f.onSubmit = func(o *api.Order) error { job, spec = &o.Job, &o.Spec; return nil }
	d := serve(t, f)
	got := d.begin(strings.NewReader("a\nb"), "submit", "--each-line", "-", "--array", "%2", "--shell", "echo $OCTASKLY_ITEM").end()
	if got.code != 0 || string(f.blobs[spec.Items]) != "a\nb" || job.AtOnce != 2 || !job.Array {
		t.Errorf("%+v, job %+v, spec %+v", got, job, spec)
	}
	if fmt.Sprintf("%q", spec.Argv) != `["sh" "-c" "echo $OCTASKLY_ITEM"]` {
		t.Errorf("argv %q", spec.Argv)
	}
}
