package plan

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// equal takes an empty list for none.
var equal = cmpopts.EquateEmpty()

func drawText(t *rapid.T, name string) string {
	return rapid.StringMatching(`[a-z=, ]{0,20}`).Draw(t, name)
}
func drawPath(t *rapid.T, name string) string {
	return rapid.StringMatching(`(/[a-z.]{1,3}[a-z])+`).Draw(t, name)
}

func drawOps(t *rapid.T) []Op {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Op {
		return Op{Kind(rapid.IntRange(1, 7).Draw(t, "kind")), drawPath(t, "target"), drawText(t, "source"), rapid.Uint32().Draw(t, "attr")}
	}), 0, 20).Draw(t, "ops")
}

func drawRoom(t *rapid.T) *Room {
	return &Room{
		Hostname: drawText(t, "host"), OOMScore: rapid.Int32().Draw(t, "score"), Loopback: rapid.Bool().Draw(t, "lo"),
		Fresh: rapid.Bool().Draw(t, "fresh"), RootAttr: rapid.Uint32().Draw(t, "attr"), RootData: drawText(t, "data"), Ops: drawOps(t),
	}
}

func drawTask(t *rapid.T) *Task {
	word := rapid.Custom(func(t *rapid.T) string { return drawText(t, "word") })
	id := rapid.Uint32Range(1, 1<<32-1)
	return &Task{
		Argv: rapid.SliceOfN(word, 1, 5).Draw(t, "argv"), Env: rapid.SliceOfN(word, 0, 5).Draw(t, "env"), Path: drawText(t, "path"),
		Dir: drawPath(t, "dir"), UID: id.Draw(t, "uid"), GID: id.Draw(t, "gid"), Umask: rapid.Uint32().Draw(t, "umask"), Mounts: drawOps(t),
		Limits: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Limit {
			return Limit{rapid.Uint32().Draw(t, "r"), rapid.Uint64().Draw(t, "s"), rapid.Uint64().Draw(t, "h")}
		}), 0, maxLimits).Draw(t, "limits"),
		Bounding: rapid.Uint64().Draw(t, "bounding"), NoNewPriv: rapid.Bool().Draw(t, "nnp"),
		Landlock: Landlock{rapid.Uint64().Draw(t, "fs"), rapid.Uint64().Draw(t, "net"), rapid.Uint64().Draw(t, "scoped"),
			rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Rule { return Rule{drawPath(t, "rule"), rapid.Uint64().Draw(t, "access")} }), 0, 5).Draw(t, "rules")},
		Filter: rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "filter"),
	}
}

func body(t interface{ Fatal(...any) }, frame []byte, limit int) []byte {
	size, err := Size(frame, limit)
	if err != nil || size != len(frame)-HeaderSize {
		t.Fatal(size, len(frame), err)
	}
	return frame[HeaderSize:]
}

func TestOrdersComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room, task, signal := drawRoom(t), drawTask(t), Signal(rapid.Uint8Range(1, 64).Draw(t, "signal"))
		for _, c := range []struct {
			want  Order
			frame []byte
		}{{room, room.Encode()}, {task, task.Encode()}, {signal, signal.Encode()}} {
			got, err := DecodeOrder(body(t, c.frame, MaxFrame))
			if diff := cmp.Diff(c.want, got, equal); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
		}
	})
}

// Whoever sends half a frame, or more than one, is not understood.
func TestCutShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := drawTask(t).Encode()[HeaderSize:]
		if rapid.Bool().Draw(t, "room") {
			whole = drawRoom(t).Encode()[HeaderSize:]
		}
		cut := rapid.IntRange(0, len(whole)-1).Draw(t, "cut")
		if o, err := DecodeOrder(whole[:cut]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d of %d bytes are %v, %v", cut, len(whole), o, err)
		}
		if o, err := DecodeOrder(append(whole, 0)); !errors.Is(err, ErrMalformed) {
			t.Fatalf("a byte more is %v, %v", o, err)
		}
	})
}

var records = []Record{
	Ready{}, Started{}, &Failed{StepMount, 2, "/usr"}, &Failed{}, &Ended{Status: 9, Leftover: true, CPU: 1 << 40, MaxRSS: 1 << 50},
}

func TestRecordsComeBack(t *testing.T) {
	for _, want := range records {
		frame := EncodeRecord(want)
		got, err := DecodeRecord(body(t, frame, MaxRecord))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		for cut := range len(frame) - HeaderSize {
			if r, err := DecodeRecord(frame[HeaderSize:][:cut]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%d bytes of %v are %v, %v", cut, want, r, err)
			}
		}
	}
}

func TestLongObjectIsCut(t *testing.T) {
	frame := EncodeRecord(&Failed{Object: string(make([]byte, 10_000))})
	r, err := DecodeRecord(body(t, frame, MaxRecord))
	if failed, ok := r.(*Failed); err != nil || !ok || len(failed.Object) != MaxObject {
		t.Error(r, err)
	}
}

func TestRefused(t *testing.T) {
	good := func() *Task { return &Task{Argv: []string{"true"}, Dir: "/work", UID: 1, GID: 1} }
	if _, err := DecodeOrder(good().Encode()[HeaderSize:]); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Task){
		"no command":   func(t *Task) { t.Argv = nil },
		"root":         func(t *Task) { t.UID = 0 },
		"root's group": func(t *Task) { t.GID = 0 },
		"NUL":          func(t *Task) { t.Argv = []string{"a\x00b"} },
		"NUL in env":   func(t *Task) { t.Env = []string{"a=\x00"} },
		"relative":     func(t *Task) { t.Dir = "work" },
		"detour":       func(t *Task) { t.Dir = "/work/../etc" },
		"target":       func(t *Task) { t.Mounts = []Op{{Kind: Given, Target: "/a/../../b"}} },
		"no kind":      func(t *Task) { t.Mounts = []Op{{Kind: 8, Target: "/a"}} },
		"half":         func(t *Task) { t.Filter = make([]byte, 12) },
		"long filter":  func(t *Task) { t.Filter = make([]byte, maxFilter+8) },
	} {
		task := good()
		spoil(task)
		if o, err := DecodeOrder(task.Encode()[HeaderSize:]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, %v", name, o, err)
		}
	}
	other := good().Encode()
	other[HeaderSize] = Version + 1
	if o, err := DecodeOrder(other[HeaderSize:]); !errors.Is(err, ErrMalformed) {
		t.Errorf("another version: %v, %v", o, err)
	}
}

func TestSize(t *testing.T) {
	for _, header := range [][]byte{nil, {1, 0, 0}, {0, 0, 0, 0}, {1, 0, 0, 0}, {1, 0, 32, 0}, {255, 255, 255, 255}} {
		if n, err := Size(header, MaxFrame); err == nil {
			t.Errorf("%v is a size of %d", header, n)
		}
	}
}

func FuzzOrder(f *testing.F) {
	f.Add((&Room{Hostname: "box", Ops: []Op{{Kind: Bind, Target: "/usr", Source: "/usr"}}}).Encode()[HeaderSize:])
	f.Add((&Task{Argv: []string{"true"}, Dir: "/", UID: 1, GID: 1, Filter: make([]byte, 8)}).Encode()[HeaderSize:])
	f.Add(Signal(9).Encode()[HeaderSize:])
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := DecodeOrder(b)
		if err != nil {
			return
		}
		var again []byte
		switch o := o.(type) {
		case *Room:
			again = o.Encode()
		case *Task:
			again = o.Encode()
		case Signal:
			again = o.Encode()
		}
		if string(again[HeaderSize:]) != string(b) {
			t.Errorf("%q is read as %v, which is written as %q", b, o, again)
		}
	})
}

func FuzzRecord(f *testing.F) {
	for _, r := range records {
		f.Add(EncodeRecord(r)[HeaderSize:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRecord(b)
		if err != nil {
			return
		}
		if again := EncodeRecord(r)[HeaderSize:]; string(again) != string(b) {
			t.Errorf("%q is read as %v, which is written as %q", b, r, again)
		}
	})
}
