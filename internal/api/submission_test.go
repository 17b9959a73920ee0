package api

import (
	stdcmp "cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestAccept(t *testing.T) {
	var s Submission
	err := decodeJSON([]byte(`{"name": "n", "argv": ["cp", {"base64": "/w=="}], "env": ["A=b"], "cwd": "/srv",
		"stdin": "`+someHash+`", "array": "0-9:2,20", "at_once": 3, "timeout": 1.5, "retries": 2, "backoff": 0,
		"merge": true, "cpus": 0.5, "memory": 1048576, "idempotency_key": "k", "at_most_one": true}`), &s)
	if err != nil {
		t.Fatal(err)
	}
	order, err := s.Accept("ann")
	if err != nil {
		t.Fatal(err)
	}
	elements := octaskly.Ranges{{Lo: 0, Hi: 8, Step: 2}, {Lo: 20, Hi: 20, Step: 1}}
	want := &Order{
		Job: octaskly.Job{Owner: "ann", Name: "n", Elements: elements, Array: true, AtOnce: 3, Key: "k"},
		Spec: octaskly.Spec{
			Argv: []string{"cp", "\xff"}, Env: []string{"A=b"}, Dir: "/srv", Stdin: octaskly.Blob(someHash),
			Retries: 2, Backoff: 0, Merge: true, AtMostOne: true,
			Room: octaskly.Room{octaskly.CPU: 500, octaskly.Memory: 1 << 20},
		},
		Wish: octaskly.Wish{Timeout: new(1500 * time.Millisecond), Memory: new(int64(1 << 20))},
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
}

func TestAcceptLeast(t *testing.T) {
	order, err := (&Submission{Argv: []Text{"true"}}).Accept("ann")
	if err != nil {
		t.Fatal(err)
	}
	want := &Order{
		Job:  octaskly.Job{Owner: "ann", Elements: octaskly.Span(0, 0)},
		Spec: octaskly.Spec{Argv: []string{"true"}, Backoff: time.Second},
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
}

// TestAcceptItems leaves the elements to who can count the lines.
func TestAcceptItems(t *testing.T) {
	order, err := (&Submission{Argv: []Text{"true"}, Items: octaskly.Blob(someHash), AtOnce: 2}).Accept("ann")
	if err != nil || !order.Job.Array || order.Job.Elements != nil || order.Spec.Items != octaskly.Blob(someHash) {
		t.Errorf("%+v %v", order, err)
	}
}

// TestAcceptedItems answers with the count that the dispatcher has made.
func TestAcceptedItems(t *testing.T) {
	f := &fake{submit: func(_ context.Context, o *Order) (octaskly.JobID, bool, error) {
		o.Job.Elements = octaskly.Span(0, 2)
		return 42, false, nil
	}}
	check(t, do(newHandler(f), "POST", "/api/v1/tasks", `{"argv":["true"],"items":"`+someHash+`"}`), 201, `{"id":"42","tasks":3}`)
}

func TestNotAccepted(t *testing.T) {
	tests := []struct {
		field string
		spoil func(*Submission)
		why   string
	}{
		{"command", func(s *Submission) { s.Argv = nil }, "missing"},
		{"command", func(s *Submission) { s.Argv[0] = "" }, "empty"},
		{"argument 1 of the command", func(s *Submission) { s.Argv = []Text{"a", "\x00"} }, "NUL"},
		{"env", func(s *Submission) { s.Env = []Text{"A"} }, "NAME=value"},
		{"env", func(s *Submission) { s.Env = []Text{"OCTASKLY_X=1"} }, "own"},
		{"cwd", func(s *Submission) { s.Cwd = "srv" }, "absolute"},
		{"name", func(s *Submission) { s.Name = strings.Repeat("n", 129) }, "129 bytes, 128"},
		{"name", func(s *Submission) { s.Name = "a\x1b[2J" }, "not printable"},
		{"name", func(s *Submission) { s.Name = "a\u202eb" }, "not printable"},
		{"name", func(s *Submission) { s.Name = "\xff" }, "UTF-8"},
		{"idempotency_key", func(s *Submission) { s.Key = strings.Repeat("k", 129) }, "129 bytes, 128"},
		{"idempotency_key", func(s *Submission) { s.Key = "a\n" }, "not printable"},
		{"array", func(s *Submission) { s.Array = "9-1" }, "ends before"},
		{"array", func(s *Submission) { s.Array = "0-10000000" }, "10000001 elements, 10000000 are allowed"},
		{"array", func(s *Submission) { s.Array, s.Items = "0-1", octaskly.Blob(someHash) }, "items"},
		{"at_once", func(s *Submission) { s.AtOnce = 2 }, "plain job"},
		{"at_once", func(s *Submission) { s.Array, s.AtOnce = "0-9", -1 }, "not from 0"},
		{"at_once", func(s *Submission) { s.Array, s.AtOnce = "0-9", octaskly.MaxElements+1 }, "not from 0"},
		{"stdin", func(s *Submission) { s.Stdin = "../../etc/passwd" }, "SHA-256"},
		{"stdin", func(s *Submission) { s.Stdin = octaskly.Blob(strings.ToUpper(someHash)) }, "SHA-256"},
		{"items", func(s *Submission) { s.Items = "5a" }, "SHA-256"},
		{"retries", func(s *Submission) { s.Retries = -1 }, "not from 0"},
		{"cpus", func(s *Submission) { s.CPUs = -1 }, "not from 0.001"},
		{"cpus", func(s *Submission) { s.CPUs = 0.0004 }, "not from 0.001"},
		{"cpus", func(s *Submission) { s.CPUs = 1e300 }, "not from 0.001"},
		{"memory", func(s *Submission) { s.Memory = -1 }, "less than nothing"},
		{"memory", func(s *Submission) { s.Memory = 1 << 62 }, "out of range"},
		{"memory", func(s *Submission) { s.Memory = 1000 }, "no program starts with less than 1048576"},
		{"memory", func(s *Submission) { s.Memory, s.Limits = 1000, &Limits{Memory: new(int64(2000))} }, "too few"},
		{"limits.memory", func(s *Submission) { s.Memory, s.Limits = 4<<20, &Limits{Memory: new(int64(3 << 20))} }, "less than the 4194304 bytes that memory reserves"},
		{"limits.memory", func(s *Submission) { s.Limits = &Limits{Memory: new(int64(-1))} }, "not from"},
		{"limits.preset", func(s *Submission) { s.Limits = &Limits{Preset: "lax"} }, "there are default, none, relaxed, strict"},
		{"cpu_time", func(s *Submission) { s.Limits = &Limits{CPUTime: new(Seconds(1))} }, "1ns is not from 10ms"},
		{"disk", func(s *Submission) { s.Limits = &Limits{Disk: new(int64(1))} }, "not from 65536"},
		{"open_files", func(s *Submission) { s.Limits = &Limits{OpenFiles: new(int64(31))} }, "not from 32"},
		{"processes", func(s *Submission) { s.Limits = &Limits{Processes: new(int64(-7))} }, "not from 1"},
		{"sandbox", func(s *Submission) { s.Sandbox = "Strict" }, `cannot read level "Strict": it is none of [none basic strict very-strict]`},
		{"sandbox", func(s *Submission) { s.Sandbox = strings.Repeat("s", 9999) }, `ss"`},
		{"keep_workspace", func(s *Submission) { s.KeepWorkspace, s.Cwd = true, "/srv" }, "cwd"},
		{"network", func(s *Submission) { s.Network = "bridge" }, `"bridge" is neither none nor host`},
	}
	for _, tt := range tests {
		s := &Submission{Argv: []Text{"true"}}
		tt.spoil(s)
		order, err := s.Accept("ann")
		field, ok := errors.AsType[*octaskly.FieldError](err)
		if !ok || field.Field != tt.field || !strings.Contains(field.Why, tt.why) || order != nil {
			t.Errorf("%s: %v, want %s", tt.field, err, tt.why)
		}
	}
}

// FuzzSubmission holds every body to an error with a field or to nouns that
// stand up to their own checks.
func FuzzSubmission(f *testing.F) {
	for _, seed := range []string{
		`{"argv":["true"]}`, `{"argv":["a"],"array":"0-9:2","at_once":3,"cpus":0.1}`, `{"argv":[{"base64":"/w=="}]}`,
		`{"argv":["a"],"x":1}`, `{"":0}`, `null`, `{"argv":["a"],"timeout":1e9,"backoff":null}`, `{"argv":["a"]} {}`, "{\"argv\":[\"\xff\"]}",
		`{"argv":["a"],"items":"` + someHash + `","memory":1}`, `{"argv":["a"],"cpus":1e400}`,
		`{"argv":["a"],"sandbox":"basic","network":"none","keep_workspace":true,"memory":2000000,"limits":{"preset":"strict","cpu_time":0,"memory":3000000,"disk":99999,"open_files":64,"processes":9}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Submission
		err := decodeJSON(data, &s)
		var order *Order
		if err == nil {
			order, err = s.Accept("ann")
		}
		if err != nil {
			if field, ok := errors.AsType[*octaskly.FieldError](err); !ok || field.Field == "" || field.Why == "" {
				t.Fatalf("%q: %v", data, err)
			}
			return
		}
		if err := stdcmp.Or(order.Spec.Check(), order.Wish.Check()); err != nil {
			t.Fatalf("%q was accepted: %v", data, err)
		}
		if n := order.Job.Elements.Count(); n > octaskly.MaxElements || n < 1 && s.Items == "" {
			t.Fatalf("%q was accepted: %v elements", data, n)
		}
	})
}
