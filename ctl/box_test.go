package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestLimitsOf(t *testing.T) {
	standard := octaskly.Presets["default"].Limits
	for name, tt := range map[string]struct {
		submission api.Submission
		want       octaskly.Limits
		text       string
	}{
		"nothing": {api.Submission{}, octaskly.Limits{}, "none"},
		"preset":  {api.Submission{Limits: &api.Limits{Preset: "default"}}, standard, "1h cpu, 2GiB memory, 10GiB disk, 1024 files, 1000 processes"},
		"reserved": {api.Submission{Memory: 1 << 29, Limits: &api.Limits{Preset: "none", Processes: new(int64(7))}},
			octaskly.Limits{Memory: 1 << 29, Processes: 7}, "512MiB memory, 7 processes"},
		"all of it": {api.Submission{Memory: 1 << 29, Limits: &api.Limits{
			CPUTime: new(api.Seconds(90 * time.Second)), Memory: new(int64(3 << 29)), Disk: new(int64(5e9)), OpenFiles: new(int64(0)), Processes: new(int64(0)),
		}}, octaskly.Limits{CPUTime: 90 * time.Second, Memory: 3 << 29, Disk: 5e9}, "1m30s cpu, 1.5GiB memory, 4.7GiB disk"},
		"one field of a preset": {api.Submission{Limits: &api.Limits{Preset: "strict", Memory: new(int64(0)), Disk: new(int64(1 << 20))}},
			octaskly.Limits{CPUTime: 5 * time.Minute, Disk: 1 << 20, OpenFiles: 256, Processes: 10}, "5m cpu, 1MiB disk, 256 files, 10 processes"},
	} {
		got := limitsOf(&tt.submission)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if text := limitsText(got); text != tt.text {
			t.Errorf("%s: %q, want %q", name, text, tt.text)
		}
	}
}

func TestUsageText(t *testing.T) {
	for _, tt := range []struct {
		usage api.Usage
		want  string
	}{
		{api.Usage{}, ""},
		{api.Usage{CPUTime: api.Seconds(90 * time.Second), Memory: 1 << 30, MemoryPeak: 3 << 29, Processes: 3, ProcessesPeak: 3, Read: 1 << 20, Written: 10, Disk: 5 << 20, DiskPeak: 5<<20 + 1},
			"1m30s cpu, 1GiB memory (peak 1.5GiB), 3 processes, 5MiB disk, 1MiB read, 10B written"},
		{api.Usage{ProcessesPeak: 4}, "0 processes (peak 4)"},
	} {
		if got := usageText(&tt.usage); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.usage, got, tt.want)
		}
	}
}

// boxed is a task at level strict whose first attempt a limit has ended and whose
// second one runs.
func boxed() *api.Detail {
	return &api.Detail{
		Job: api.Job{ID: "42", State: octaskly.Running, Command: []api.Text{"x"}, Tasks: 1, SubmittedAt: *ago(time.Minute), StartedAt: ago(30 * time.Second), Worker: "w1"},
		Submission: api.Submission{Argv: []api.Text{"x"}, Sandbox: "strict", Network: "none", KeepWorkspace: true, Limits: &api.Limits{Preset: "default"},
			Timeout: new(api.Seconds(time.Hour))},
		Attempts: []api.Attempt{
			{Number: 1, State: octaskly.Failed, Reason: "oom", Detail: "its limit of memory is reached", Worker: "w1", StartedAt: ago(50 * time.Second), EndedAt: ago(40 * time.Second),
				CPUTime: api.Seconds(time.Second), MaxRSS: 1 << 30, Stdout: 100 << 20, Limit: 2 << 30, Peak: 2 << 30, Workspace: "/var/lib/x/kept/42.1",
				Usage: &api.Usage{CPUTime: api.Seconds(2 * time.Second), MemoryPeak: 2 << 30, ProcessesPeak: 12, DiskPeak: 300 << 20, Read: 1 << 20}},
			{Number: 2, State: octaskly.Running, Worker: "w1", StartedAt: ago(30 * time.Second),
				Usage: &api.Usage{CPUTime: api.Seconds(90 * time.Second), Memory: 1 << 30, MemoryPeak: 3 << 29, Processes: 3, ProcessesPeak: 14, Read: 1 << 20, Written: 2 << 20, Disk: 5 << 20}},
		},
	}
}

func TestWriteDetailOfABox(t *testing.T) {
	var out bytes.Buffer
	if err := writeDetail(&out, boxed(), noon); err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(out.String(), "submitted:")
	_, attempts, _ := strings.Cut(out.String(), "\n\n")
	const want = `id:          42
state:       running
using:       1m30s cpu, 1GiB memory (peak 1.5GiB), 3 processes (peak 14), 5MiB disk, 1MiB read, 2MiB written
command:     x
sandbox:     strict
network:     none
workspace:   is kept
limits:      1h cpu, 2GiB memory, 10GiB disk, 1024 files, 1000 processes
timeout:     1h
worker:      w1
#  STATE    RESULT  WORKER  STARTED   TIME  CPU    MEMORY  PROCS  DISK    STDOUT  STDERR
1  failed   oom     w1      11:59:10  10s   2s     2GiB    12     300MiB  100MiB  0B
2  running  -       w1      11:59:30  30s   1m30s  1.5GiB  14     5MiB    0B      0B
attempt 1: reached its limit of 2GiB memory (peak 2GiB); --memory raises it; 1MiB read; its workspace is kept on w1: /var/lib/x/kept/42.1
`
	if diff := cmp.Diff(want, text+attempts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a limit has done is said once, and not by the worker's words, too.
func TestWriteDetailSaysItOnce(t *testing.T) {
	d := boxed()
	d.Attempts = d.Attempts[:1]
	d.State, d.Reason, d.Detail = octaskly.Failed, "oom", d.Attempts[0].Detail
	var out bytes.Buffer
	if err := writeDetail(&out, d, noon); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.Contains(text, "result:      oom: reached its limit of 2GiB memory (peak 2GiB); --memory raises it\n") ||
		strings.Count(text, "--memory") != 1 || strings.Contains(text, "is reached") || strings.Contains(text, "using:") {
		t.Error(text)
	}
}

// A narrow terminal takes columns from the worker's name.
func TestAttemptsFit(t *testing.T) {
	table := newTable("#", "WORKER", "DISK")
	table.give, table.width = 1, 20
	table.add("1", "a-worker-with-a-long-name", "")
	table.dropEmpty("DISK")
	var out bytes.Buffer
	if err := table.write(&out); err != nil {
		t.Fatal(err)
	}
	if want := "#  WORKER\n1  a-worker-with-a-…\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestStrictest(t *testing.T) {
	for _, tt := range []struct {
		levels []string
		want   string
	}{
		{nil, ""}, {[]string{"none"}, "none"}, {[]string{"strict", "none", "basic"}, "strict"},
		{[]string{"very-strict", "strict"}, "very-strict"}, {[]string{"basic", "strictest-of-all"}, "basic"},
	} {
		if got := strictest(tt.levels); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.levels, got, tt.want)
		}
	}
}

func TestWriteWorkerPage(t *testing.T) {
	w := &api.Worker{
		ID: "0a1b", Name: "w1", State: "connected", Address: "10.0.0.1:7878", Version: "1.2.3", Slots: 4, Running: 1, Assigned: 1, CPUs: 2, Memory: 8 << 30,
		Features: []string{"kill:cgroup", "level:strict"}, Contains: "cgroup", SeenAt: *ago(3 * time.Second), Levels: []string{"basic", "strict"},
		Limits: []string{"memory", "processes"},
		Checks: []api.Check{
			{Subject: "level:strict", Name: "user", What: "the command runs as a user and group without privileges", Held: true},
			{Subject: "limit:memory", Name: "oom", Held: true},
			{Subject: "level:strict", Name: "root", Held: true},
			{Subject: "level:very-strict", Name: "execute", What: "nothing that can be written can be executed",
				Why: "it was executed\x1b[2J; mount /work noexec on this machine, or give it a kernel that can do what is asked of it"},
			{Subject: "level:very-strict", Name: "user", Held: true},
			{Subject: "limit:disk", Name: "quota", Why: "none"},
		},
	}
	for range 16 {
		w.Checks = append(w.Checks, api.Check{Subject: "level:very-strict", Name: "capabilities", Held: true})
	}
	const want = `name:        w1
id:          0a1b
state:       connected
address:     10.0.0.1:7878
version:     1.2.3
slots:       4, 2 busy
cpus:        2
memory:      8 GiB
contains:    cgroup
levels:      basic, strict
limits:      memory, processes
network:     level strict may not have the machine's
features:    kill:cgroup, level:strict
self-test:   2 of 22 checks did not hold

level:strict: 2 of 2 checks held
  held
          user, root

limit:memory: 1 of 1 checks held
  held
          oom

level:very-strict: 17 of 18 checks held
  FAILED  execute: nothing that can be written can be executed
          it was executed\x1b[2J; mount /work noexec on this machine, or give it
          a kernel that can do what is asked of it
  held
          user, capabilities, capabilities, capabilities, capabilities,
          capabilities, capabilities, capabilities, capabilities, capabilities,
          capabilities, capabilities, capabilities, capabilities, capabilities,
          capabilities, capabilities

limit:disk: 0 of 1 checks held
  FAILED  quota
          none
`
	var out bytes.Buffer
	if err := writeWorkerPage(&out, w, noon); err != nil {
		t.Fatal(err)
	}
	before, after, _ := strings.Cut(out.String(), "seen:")
	_, after, _ = strings.Cut(after, "\n")
	if diff := cmp.Diff(want, before+after); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for line := range strings.Lines(out.String()) {
		if columns(strings.TrimSuffix(line, "\n")) > usualWidth {
			t.Errorf("%q is wider than a terminal", line)
		}
	}
}

// The manual names what there is.
func TestManualOfLevelsAndPresets(t *testing.T) {
	for _, name := range levelNames() {
		if !strings.Contains(manualLevels, "\n*"+name+"*::\n") {
			t.Errorf("there is nothing about level %s", name)
		}
	}
	for _, name := range presetNames() {
		if !strings.Contains(manualLimits(), "\n*"+name+"*::\n"+presetText(name)+"\n") {
			t.Errorf("there is nothing about preset %s", name)
		}
	}
	for _, kind := range []string{"cpu-time", "memory", "disk", "open-files", "processes", "timeout"} {
		if !strings.Contains(manualLimits(), "\n*--"+kind+"*::\n") {
			t.Errorf("there is nothing about --%s", kind)
		}
	}
}
