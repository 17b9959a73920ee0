package joining

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// messages holds every message with every field set, and how it must be understood for ever.
var messages = []struct {
	message any
	golden  string
}{
	{&fromWorker{Apply: &apply{1, ByApproval, "0123456789abcdef", "w1", "1.0", []byte{0x30}, []byte{1}, []byte{2}, []byte{3}, []byte{4}}}, "a101aa01010203037030313233343536373839616263646566046277310563312e30064130074101084102094103" + "0a4104"},
	{&fromWorker{Commitment: []byte{1}}, "a1024101"},
	{&fromWorker{Reveal: []byte{1}}, "a1034101"},
	{&fromWorker{Pong: true}, "a104f5"},
	{&toWorker{Refused: &refused{"no", true}}, "a101a201626e6f02f5"},
	{&toWorker{Nonce: []byte{1}}, "a1024101"},
	{&toWorker{Ping: true}, "a103f5"},
	{&toWorker{Claim: []byte{1}}, "a1044101"},
	{&toWorker{Wrong: true}, "a105f5"},
	{&toWorker{Joined: &joined{[]byte{1}, []byte{2}, "f"}}, "a106a301410102410203" + "6166"},
}

func TestGoldenBytes(t *testing.T) {
	for _, m := range messages {
		data, err := encoding.Marshal(m.message)
		expect(t, err)
		golden, err := hex.DecodeString(m.golden)
		expect(t, err)
		if !bytes.Equal(data, golden) {
			t.Errorf("%T is now encoded as %x, the golden bytes are %x", m.message, data, golden)
		}
		var fresh any = new(fromWorker)
		if _, ok := m.message.(*toWorker); ok {
			fresh = new(toWorker)
		}
		expect(t, readFrame(iotest.OneByteReader(strings.NewReader(frame(string(golden)))), fresh))
		if diff := cmp.Diff(m.message, fresh); diff != "" {
			t.Errorf("read as something else (-want +got):\n%s", diff)
		}
	}
}

func frame(body string) string { return string([]byte{byte(len(body) >> 8), byte(len(body))}) + body }

func TestFramesThatAreNone(t *testing.T) {
	for what, test := range map[string]struct {
		wire string
		want error
	}{
		"nothing":       {"", io.EOF},
		"empty":         {frame(""), ErrForeign},
		"too long":      {frame(strings.Repeat("\x00", MaxFrame+1)), ErrForeign},
		"http":          {"GET / HTTP/1.1\r\n", ErrForeign},
		"half a length": {"\x00", io.ErrUnexpectedEOF},
		"only a length": {"\x00\x05", io.ErrUnexpectedEOF},
		"cut":           {"\x00\x05\xa0", io.ErrUnexpectedEOF},
		"not CBOR":      {frame("\xff"), ErrForeign},
		"not a map":     {frame("\x01"), ErrForeign},
		"two":           {frame("\xa0\x00"), ErrForeign},
		"twice a key":   {frame("\xa2\x04\xf5\x04\xf5"), ErrForeign},
		"endless":       {frame("\xbf\xff"), ErrForeign},
		"a tag":         {frame("\xa1\x02\xc2\x41\x01"), ErrForeign},
		"too deep":      {frame("\xa1\x09" + strings.Repeat("\x81", 9) + "\x01"), ErrForeign},
	} {
		if err := readFrame(strings.NewReader(test.wire), new(fromWorker)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", what, err, test.want)
		}
	}
	if err := readFrame(strings.NewReader(frame("\xa2\x04\xf5\x18\x63\x01")), new(fromWorker)); err != nil {
		t.Errorf("an unknown field: %v", err)
	}
}

func FuzzFrameFromWorker(f *testing.F) { fuzzFrames(f, func() any { return new(fromWorker) }) }

func FuzzFrameToWorker(f *testing.F) { fuzzFrames(f, func() any { return new(toWorker) }) }

func fuzzFrames(f *testing.F, fresh func() any) {
	for _, m := range messages {
		body, _ := hex.DecodeString(m.golden)
		f.Add([]byte(frame(string(body))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		message, r := fresh(), bytes.NewReader(data)
		err := readFrame(r, message)
		if read := len(data) - r.Len(); read > 2+MaxFrame {
			t.Fatalf("read %d bytes", read)
		}
		if err != nil {
			return
		}
		again := fresh()
		body, err := encoding.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		if err := decoding.Unmarshal(body, again); err != nil || !cmp.Equal(message, again) {
			t.Fatalf("%x is read as %+v and then as %+v: %v", data, message, again, err)
		}
	})
}
