package protocol

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

var update = flag.Bool("update", false, "write the golden bytes of new messages")

var (
	moment = time.Date(2026, 11, 24, 8, 45, 18, 123456000, time.UTC)
	one    = octaskly.AttemptID{Job: 42, Index: 7, Number: 2}
)

var used = octaskly.Usage{
	CPUTime: time.Second, Memory: 1, MemoryPeak: 2, Processes: 3, ProcessesPeak: 4, Read: 5, Written: 6, Disk: 7, DiskPeak: 8,
}

// messages holds every message with every field set.
var messages = map[string]any{
	"from-worker-hello": &FromWorker{Hello: &Hello{
		Version: 1, Worker: "0123456789abcdef", Name: "w1", Software: "1.0", Slots: 4,
		Room: octaskly.Room{"cpu": 4000}, Features: []string{"kill:cgroup"}, Fleet: "default", Generation: "g",
		Held: []Held{{ID: one, State: octaskly.Running, StartedAt: moment}},
	}},
	"from-worker": &FromWorker{
		Started: []Started{{ID: one, At: moment}},
		Finished: []Finished{{ID: one, Output: []byte("\x01\x00\x00\x00\x01x"), End: octaskly.End{
			State: octaskly.Failed, Reason: "exit:3", Detail: "d", StartedAt: moment, EndedAt: moment.Add(time.Second),
			CPUTime: time.Millisecond, MaxRSS: 1 << 20, Leftover: true,
			Output: octaskly.OutputSize{Stored: 6, Stdout: 1, Stderr: 2, Discarded: 3},
		}}},
		Recalled: []octaskly.AttemptID{one}, Pong: 9, Goodbye: true,
	},
	"to-worker": &ToWorker{
		Welcome: &Welcome{Version: 1, Fleet: "default", Generation: "g", Refused: "no", Heartbeat: 5 * time.Second, MaxOutput: 64 << 20},
		Specs:   []JobSpec{{Job: 42, Version: 1, Spec: []byte{0xa0}, Array: true}},
		Assign:  []Assign{{Job: 42, Elements: octaskly.Span(7, 9), Attempt: 2, Items: []string{"a", "b\xff", ""}}},
		Stop:    []Stop{{ID: one, Drop: true}}, Recall: []octaskly.AttemptID{one},
		Signal: []Signal{{ID: one, Number: 15}}, Fetch: []Fetch{{ID: one, From: 100, Size: 200}},
		Ack: []octaskly.AttemptID{one}, Forget: []octaskly.JobID{42}, Ping: 9,
	},
	"to-worker-leased": &ToWorker{Welcome: &Welcome{Version: 1, Fleet: "default", Generation: "g", Lease: 30 * time.Second}},
	"to-worker-heard":  &ToWorker{Ping: 10, Heard: 9},
	"from-worker-used": &FromWorker{
		Finished: []Finished{{ID: one, End: octaskly.End{State: octaskly.Cancelled, Reason: octaskly.ReasonLease, Usage: used, Limit: 1, Peak: 2, Workspace: "/w"}}},
		Pong:     9, Usage: []Usage{{ID: one, Usage: used}},
	},
	"from-worker-leaving": &FromWorker{Leaving: true},
	"from-worker-checked": &FromWorker{Hello: &Hello{
		Version: 1, Worker: "0123456789abcdef", Name: "w1",
		Checks: []octaskly.Check{{Subject: "level:strict", Name: "n", What: "w", Held: true, Why: "y"}},
	}},
	"spec-bounded": &octaskly.Spec{
		Argv: []string{"true"}, Level: octaskly.LevelStrict, HostNetwork: true, KeepWorkspace: true, AtMostOne: true,
		Limits: octaskly.Limits{CPUTime: time.Second, Memory: 1, Disk: 2, OpenFiles: 3, Processes: 4},
	},
	"spec-secret":         &octaskly.Spec{Argv: []string{"true"}, Sealed: []byte{1, 2}, SecretNames: []string{"A", "B"}},
	"to-worker-secret":    &ToWorker{Specs: []JobSpec{{Job: 42, Version: 1, Spec: []byte{0xa0}, Secrets: []string{"A=1", "B=\xff"}}}},
	"to-worker-one-of":    &ToWorker{Welcome: &Welcome{Version: 1, Fleet: "default", Generation: "g", Workers: 1000}},
	"to-worker-named":     &ToWorker{Welcome: &Welcome{Version: 1, Fleet: "default", Generation: "g", Name: "w1"}},
	"from-worker-callers": &FromWorker{Callers: []Caller{{Number: 7, Token: "t", From: "192.0.2.7", Action: "metrics.read", Permission: 128}}},
	"to-worker-callers": &ToWorker{
		Welcome: &Welcome{Version: 1, Fleet: "default", Generation: "g", Callers: true},
		Callers: []Identity{{Number: 7, User: "ann", Role: octaskly.RoleAdmin, Token: "id", Refused: "no", Busy: true}},
	},
	"bulk-output": &BulkHeader{Output: &Fetch{ID: one, From: 100, Size: 200}},
	"bulk-blob":   &BulkHeader{Blob: "00ff"},
	"bulk-renew":  &BulkHeader{Renew: true},
	"renewed":     &Renewed{Certificate: []byte{0x30}, Authority: []byte{0x31}},
	"renewed-not": &Renewed{Refused: "no"},
	"spec": &octaskly.Spec{
		Argv: []string{"echo", "\xff"}, Env: []string{"A=1"}, Dir: "/tmp", Stdin: "00", Items: "ff",
		Timeout: time.Minute, Retries: 3, Backoff: time.Second, Merge: true,
		Room: octaskly.Room{"cpu": 500}, Needs: []string{"kill:cgroup"},
	},
}

// What an older program wrote must be read for ever. A message that has gained
// a field gets a further golden file; those that are there never change.
func TestGoldenBytes(t *testing.T) {
	for name, message := range messages {
		path := filepath.Join("testdata", name+".hex")
		data, err := Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); *update && os.IsNotExist(err) {
			if err := os.WriteFile(path, []byte(hex.EncodeToString(data)+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, golden) {
			t.Errorf("%s is now encoded as\n%x, the golden bytes are\n%x", name, data, golden)
		}
		if diff := cmp.Diff(message, decode(t, message, golden)); diff != "" {
			t.Errorf("%s is read as something else (-want +got):\n%s", name, diff)
		}
	}
}

// decode reads data into a new value of message's type.
func decode(t *testing.T, message any, data []byte) any {
	t.Helper()
	var fresh any
	switch message.(type) {
	case *FromWorker:
		fresh = new(FromWorker)
	case *ToWorker:
		fresh = new(ToWorker)
	case *BulkHeader:
		fresh = new(BulkHeader)
	case *Renewed:
		fresh = new(Renewed)
	case *octaskly.Spec:
		fresh = new(octaskly.Spec)
	}
	if err := Unmarshal(data, fresh); err != nil {
		t.Fatal(err)
	}
	return fresh
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	type future struct {
		Pong uint64   `cbor:"5,keyasint"`
		New  []string `cbor:"99,keyasint"`
	}
	data, err := Marshal(future{Pong: 3, New: []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	var m FromWorker
	if err := Unmarshal(data, &m); err != nil || m.Pong != 3 {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestFrames(t *testing.T) {
	var wire bytes.Buffer
	w := NewWriter(&wire)
	for n := range 3 {
		if err := w.Write(&ToWorker{Ping: uint64(n + 1), Specs: []JobSpec{{Spec: make([]byte, n*100_000)}}}); err != nil {
			t.Fatal(err)
		}
	}
	r := NewReader(iotest.OneByteReader(&wire))
	for n := range 3 {
		var m ToWorker
		if err := r.Read(&m); err != nil || m.Ping != uint64(n+1) || len(m.Specs[0].Spec) != n*100_000 {
			t.Fatalf("frame %d: ping %d, %v", n, m.Ping, err)
		}
	}
	if err := r.Read(new(ToWorker)); err != io.EOF {
		t.Errorf("at the end: %v, want EOF", err)
	}
}

func TestFramesThatAreNone(t *testing.T) {
	for name, test := range map[string]struct {
		wire string
		want error
	}{
		"empty frame":     {"\x00\x00\x00\x00", ErrFrame},
		"too long":        {"\x00\x40\x00\x01", ErrFrame},
		"http":            {"GET / HTTP/1.1\r\n", ErrFrame},
		"cut head":        {"\x00\x00", io.ErrUnexpectedEOF},
		"cut body":        {"\x00\x00\x00\x05\xa0", io.ErrUnexpectedEOF},
		"not cbor":        {"\x00\x00\x00\x01\xff", ErrFrame},
		"not a map":       {"\x00\x00\x00\x01\x01", ErrFrame},
		"trailing bytes":  {"\x00\x00\x00\x02\xa0\x00", ErrFrame},
		"key given twice": {"\x00\x00\x00\x05\xa2\x05\x01\x05\x02", ErrFrame},
		"too deep":        {"\x00\x00\x00\x0c\xa1\x01" + strings.Repeat("\x81", 10), ErrFrame},
	} {
		if err := NewReader(strings.NewReader(test.wire)).Read(new(FromWorker)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestTooLargeToSend(t *testing.T) {
	var wire bytes.Buffer
	err := NewWriter(&wire).Write(&ToWorker{Specs: []JobSpec{{Spec: make([]byte, MaxFrame)}}})
	if err == nil || wire.Len() != 0 {
		t.Errorf("error %v with %d bytes sent", err, wire.Len())
	}
}

func TestSplit(t *testing.T) {
	item := strings.Repeat("x", 100_000)
	m := &ToWorker{Ping: 1, Ack: []octaskly.AttemptID{one}}
	for i := range octaskly.Index(60) {
		m.Specs = append(m.Specs, JobSpec{Job: octaskly.JobID(i), Spec: make([]byte, 200_000)})
		m.Assign = append(m.Assign, Assign{Job: octaskly.JobID(i), Elements: octaskly.Span(0, 1), Items: []string{item, item}})
	}
	frames := Split(m)
	specs, elements := map[octaskly.JobID]bool{}, 0
	for i, frame := range frames {
		if err := NewWriter(io.Discard).Write(frame); err != nil {
			t.Fatalf("frame %d of %d: %v", i, len(frames), err)
		}
		for _, spec := range frame.Specs {
			specs[spec.Job] = true
		}
		for _, a := range frame.Assign {
			if !specs[a.Job] {
				t.Errorf("an element of job %v comes before its spec", a.Job)
			}
			elements += len(a.Items)
		}
	}
	last := frames[len(frames)-1]
	if len(specs) != 60 || elements != 120 || last.Ping != 1 || len(last.Ack) != 1 {
		t.Errorf("%d specs, %d elements, last frame %+v", len(specs), elements, last)
	}
	if small := (&ToWorker{Ping: 1}); len(Split(small)) != 1 || Split(small)[0] != small {
		t.Error("a small batch is split")
	}
}

func FuzzRead(f *testing.F) {
	for _, message := range messages {
		var wire bytes.Buffer
		if err := NewWriter(&wire).Write(message); err != nil {
			f.Fatal(err)
		}
		f.Add(wire.Bytes())
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		for _, fresh := range []any{new(FromWorker), new(ToWorker)} {
			if NewReader(bytes.NewReader(wire)).Read(fresh) != nil {
				continue
			}
			if err := NewWriter(io.Discard).Write(fresh); err != nil {
				t.Errorf("what was read cannot be written: %v", err)
			}
		}
		DecodeSpec(octaskly.SpecVersion, wire)
	})
}
