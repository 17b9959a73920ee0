package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox"
)

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"extra"}, {"-rounds", "0"}, {"-tasks", "-1"}, {"-unknown"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != 2 || stderr.Len() == 0 || stdout.Len() != 0 {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", args, code, stdout.String(), stderr.String())
		}
	}
}

func TestSpawn(t *testing.T) {
	null, err := os.Open(os.DevNull)
	check(t, err)
	defer null.Close()
	l := &lab{null: null}
	check(t, l.spawn([]string{"/bin/true"}, nil, 0))
	check(t, l.spawn([]string{"/bin/sh", "-c", "exit 125"}, nil, 125))
	err = l.spawn([]string{"/bin/sh", "-c", "echo fine; echo wrong >&2; exit 3"}, nil, 0)
	if err == nil || !strings.HasSuffix(err.Error(), "0x300: wrong") {
		t.Errorf("a command that fails is told as %v", err)
	}
	if err := l.spawn([]string{"/does/not/exist"}, nil, 0); err == nil {
		t.Error("a command that is missing is run")
	}
}

func TestReport(t *testing.T) {
	s := &stages{names: []string{"first", "second"}}
	s.add(time.Hour, time.Hour) // of no command apart
	s.keep(true)
	now := time.Now()
	s.between([]time.Time{now, now.Add(time.Millisecond), now.Add(4 * time.Millisecond)})
	r := newResults(&lab{o: &options{rounds: 2, tasks: 1}})
	for _, name := range []string{plainWay, strictWay, bwrapWay, "gone"} {
		r.ways = append(r.ways, &way{name: name, about: "about"})
	}
	r.ways[1].stages = s
	for round, figure := range []float64{1, 3} {
		for i, times := range []float64{1, 4, 2} {
			got := make([]float64, len(figures))
			for j := range got {
				got[j] = figure * times * float64(round+1)
			}
			r.add(r.ways[i], got)
		}
	}
	var stdout bytes.Buffer
	check(t, r.write(&stdout))
	table := strings.Join(strings.Fields(stdout.String()), " ")
	for _, want := range []string{
		"p50 apart median min … max ÷ plain plain 3.50 ms 1.00 … 6.00 1.00 strict 14.0 ms 4.00 … 24.0 4.00",
		"gone none", "strict, apart p50 p95 first 1.00 ms 1.00 ms second 3.00 ms 3.00 ms",
		"strict, p50 apart ≤ 3 × plain 4.00 missed by 33.3 %",
		"strict, 2 at a time ≥ 1.5 × bwrap 2.00 met",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the report does not say %q:\n%s", want, stdout.String())
		}
	}
}

func TestBundle(t *testing.T) {
	host, err := sandbox.Probe()
	check(t, err)
	l := &lab{dir: t.TempDir(), host: host}
	bundle := l.path("bundle")
	check(t, l.makeBundle(bundle, "/some/where", octaskly.Limits{Memory: 1 << 30, Processes: 10}))
	text, err := os.ReadFile(filepath.Join(bundle, "config.json"))
	check(t, err)
	var spec specs.Spec
	check(t, json.Unmarshal(text, &spec))
	for _, m := range spec.Mounts {
		if m.Destination == "/" || m.Destination == "/dev/null" {
			t.Errorf("a runtime cannot mount %+v", m)
		}
	}
	for _, s := range spec.Linux.Seccomp.Syscalls {
		if s.Action != specs.ActAllow {
			t.Errorf("a runtime cannot take rule %+v", s)
		}
	}
	if r := spec.Linux.Resources; spec.Linux.CgroupsPath != "/some/where" || *r.Memory.Limit != 1<<30 || *r.Pids.Limit != 10 {
		t.Errorf("in cgroup %q, limits are %+v", spec.Linux.CgroupsPath, r)
	}
	if passwd, err := os.ReadFile(filepath.Join(spec.Root.Path, "etc/passwd")); err != nil || !strings.Contains(string(passwd), "task:") {
		t.Errorf("the root has users %q, %v", passwd, err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
