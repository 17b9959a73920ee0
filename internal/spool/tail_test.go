package spool

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// lastLines is Tail on plain text.
func lastLines(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

func TestTailIsTheEndOfTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		only := rapid.SampledFrom([]Stream{0, Stdout, Stderr}).Draw(t, "only")
		keep := func(s Stream) bool { return only == 0 || s == only }
		var framed []byte
		var text strings.Builder
		for range rapid.IntRange(0, 20).Draw(t, "chunks") {
			s := drawStream.Draw(t, "stream")
			data := rapid.StringMatching(`[abc\n]{1,8}`).Draw(t, "data")
			framed = appendChunk(framed, s, []byte(data))
			if keep(s) {
				text.WriteString(data)
			}
		}
		lines := rapid.IntRange(-1, 12).Draw(t, "lines")
		got, err := Tail(bytes.NewReader(framed), lines, keep)
		must(t, err)
		var all strings.Builder
		for _, p := range decode(t, got).pieces {
			if !keep(p.stream) {
				t.Fatalf("%v is there", p.stream)
			}
			all.WriteString(p.data)
		}
		if want := lastLines(text.String(), max(0, lines)); all.String() != want {
			t.Fatalf("got %q, want %q", &all, want)
		}
	})
}

func TestTailKeepsStreamsAndMarks(t *testing.T) {
	framed := appendChunk(nil, Stdout, []byte("1\n2\n"))
	framed = appendChunk(framed, Stderr, []byte("3\n"))
	framed = appendMark(framed, Stdout, 5)
	framed = appendMark(framed, Stderr, 6)
	got, err := Tail(bytes.NewReader(framed), 2, nil)
	must(t, err)
	want := appendChunk(nil, Stdout, []byte("2\n"))
	want = append(want, framed[9:]...)
	if !bytes.Equal(got, want) {
		t.Errorf("both: got %x, want %x", got, want)
	}
	got, err = Tail(bytes.NewReader(framed), 0, func(s Stream) bool { return s == Stderr })
	if want := appendMark(nil, Stderr, 6); err != nil || !bytes.Equal(got, want) {
		t.Errorf("no lines of stderr: got %x, %v, want %x", got, err, want)
	}
}

func TestTailOfATornLog(t *testing.T) {
	whole, _ := sample()
	if _, err := Tail(bytes.NewReader(whole[:10]), 1, nil); err != io.ErrUnexpectedEOF {
		t.Errorf("got %v", err)
	}
}

// A line without end is held only so far.
func TestTailIsBounded(t *testing.T) {
	chunk := appendChunk(nil, Stdout, bytes.Repeat([]byte("x"), MaxChunk))
	n := 2*maxTail/len(chunk) + 1
	endless := bytes.NewReader(bytes.Repeat(chunk, n))
	last := appendChunk(nil, Stderr, []byte("end"))
	got, err := Tail(io.MultiReader(endless, bytes.NewReader(last)), 3, nil)
	must(t, err)
	if len(got) > maxTail || len(got) < maxTail-2*len(chunk) || cap(got) > 3*maxTail || !bytes.HasSuffix(got, last) {
		t.Errorf("got %d bytes in %d", len(got), cap(got))
	}
	decode(t, got)
}
