package transport

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestOpening(t *testing.T) {
	control := opening{kind: kindControl, proof: [32]byte{1, 2, 3}}
	bulk := opening{kind: kindBulk, session: sessionID{4, 5, 6}, proof: [32]byte{7}, header: MaxHeader}
	edit := func(o opening, at int, to byte) []byte {
		b := o.bytes()
		b[at] = to
		return b
	}
	tests := []struct {
		name string
		in   []byte
		want opening
		err  error
	}{
		{"control", control.bytes(), control, nil},
		{"bulk", bulk.bytes(), bulk, nil},
		{"bulk without header", opening{kind: kindBulk}.bytes(), opening{kind: kindBulk}, nil},
		{"nothing", nil, opening{}, io.EOF},
		{"half a magic", control.bytes()[:4], opening{}, io.ErrUnexpectedEOF},
		{"magic only", control.bytes()[:8], opening{}, io.EOF},
		{"short by one", control.bytes()[:openingSize-1], opening{}, io.ErrUnexpectedEOF},
		{"another magic", edit(control, 6, 1), opening{}, errForeign},
		{"another version", edit(control, 7, 2), opening{}, errVersion},
		{"kind 0", edit(control, 8, 0), opening{}, errOpening},
		{"kind 3", edit(control, 8, 3), opening{}, errOpening},
		{"control with session", edit(control, 9, 1), opening{}, errOpening},
		{"control with header", edit(control, openingSize-1, 1), opening{}, errOpening},
		{"header too long by one", edit(bulk, openingSize-1, 1), opening{}, errOpening},
	}
	for _, tt := range tests {
		got, err := readOpening(iotest.OneByteReader(bytes.NewReader(tt.in)))
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %+v, %v; want %+v, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// TestOpeningBytes pins what goes over the wire: another version of this
// program must understand it.
func TestOpeningBytes(t *testing.T) {
	o := opening{kind: kindBulk, session: sessionID([]byte("session-session-")), proof: [32]byte([]byte("proof-proof-proof-proof-proof-pr")), header: 0x102}
	want := "octsk\x00\x00\x01\x02session-session-proof-proof-proof-proof-proof-pr\x01\x02"
	if got := string(o.bytes()); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	a := answer{proof: o.proof, session: o.session}
	if got, want := string(a.bytes(kindBulk)), "\x01proof-proof-proof-proof-proof-pr"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := string(a.bytes(kindControl)), "\x01proof-proof-proof-proof-proof-prsession-session-"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzReadOpening(f *testing.F) {
	f.Add(opening{kind: kindControl}.bytes())
	f.Add(opening{kind: kindBulk, session: sessionID{1}, header: 7}.bytes())
	f.Add([]byte("GET / HTTP/1.1\r\nHost: octaskly\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		o, err := readOpening(r)
		if read := len(data) - r.Len(); read > openingSize {
			t.Fatalf("read %d bytes", read)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(o.bytes(), data[:openingSize]) {
			t.Fatalf("%q was read as %+v", data, o)
		}
		if o.header > MaxHeader || o.kind == kindControl && (o.header != 0 || o.session != sessionID{}) {
			t.Fatalf("accepted %+v", o)
		}
	})
}

func FuzzReadAnswer(f *testing.F) {
	f.Add(answer{}.bytes(kindControl), true)
	f.Add(answer{}.bytes(kindBulk), false)
	f.Add([]byte{byte(statusWrongKey)}, true)
	f.Fuzz(func(t *testing.T, data []byte, control bool) {
		k := kindBulk
		if control {
			k = kindControl
		}
		a, err := readAnswer(bytes.NewReader(data), k)
		if err == nil && !bytes.HasPrefix(data, a.bytes(k)) {
			t.Fatalf("%q was read as %+v", data, a)
		}
	})
}
