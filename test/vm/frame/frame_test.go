package frame

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frames := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Frame {
			return Frame{Kind(rapid.Byte().Draw(t, "kind")), rapid.Uint32().Draw(t, "command"), rapid.SliceOf(rapid.Byte()).Draw(t, "body")}
		})).Draw(t, "frames")
		var b bytes.Buffer
		w := NewWriter(&b)
		for _, f := range frames {
			if err := w.Send(f.Kind, f.Command, f.Body); err != nil {
				t.Fatal(err)
			}
		}
		got, err := all(&b)
		if err != io.EOF {
			t.Fatalf("at the end: %v", err)
		}
		if diff := cmp.Diff(frames, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-sent +read)\n%s", diff)
		}
	})
}

func TestBrokenFrames(t *testing.T) {
	tests := []struct {
		name, bytes, want string
	}{
		{"head cut off", "\x00\x00\x00\x00\x00", "unexpected EOF"},
		{"body cut off", "\x00\x00\x00\x05\x00\x00\x00\x01\x07four", "unexpected EOF"},
		{"no body at all", "\x00\x00\x00\x05\x00\x00\x00\x01\x07", "cannot read frame: EOF"},
		{"too long", "\x00\x10\x00\x01\x00\x00\x00\x01\x07", "1048577 bytes is longer"},
	}
	for _, tt := range tests {
		if _, err := Read(strings.NewReader(tt.bytes)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestSendRefusesLongBody(t *testing.T) {
	var b bytes.Buffer
	if err := NewWriter(&b).Send(Stdin, 1, make([]byte, MaxBody+1)); err == nil || b.Len() > 0 {
		t.Errorf("error %v, %d bytes written", err, b.Len())
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02\x00\x00\x00\x01\x07hi"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frames, err := all(bytes.NewReader(data))
		if err == nil {
			t.Fatal("no error at the end")
		}
		var b bytes.Buffer
		w := NewWriter(&b)
		for _, fr := range frames {
			if err := w.Send(fr.Kind, fr.Command, fr.Body); err != nil {
				t.Fatal(err)
			}
		}
		if whole := err == io.EOF; !bytes.HasPrefix(data, b.Bytes()) || whole && b.Len() != len(data) {
			t.Fatalf("%q became %q", data, b.Bytes())
		}
	})
}

// all reads until an error.
func all(r io.Reader) (frames []Frame, err error) {
	for {
		f, err := Read(r)
		if err != nil {
			return frames, err
		}
		frames = append(frames, f)
	}
}
