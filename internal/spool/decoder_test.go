package spool

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestDecoderOnAnyReader(t *testing.T) {
	whole, _ := sample()
	whole = appendChunk(whole, Stderr, make([]byte, MaxChunk))
	whole = appendChunk(whole, Stdout, []byte("end"))
	want := decode(t, whole)
	for name, r := range map[string]io.Reader{
		"one byte": iotest.OneByteReader(bytes.NewReader(whole)),
		"half":     iotest.HalfReader(bytes.NewReader(whole)),
		"data eof": iotest.DataErrReader(bytes.NewReader(whole)),
	} {
		var got output
		d := NewDecoder(r)
		c, err := d.Next()
		for ; err == nil; c, err = d.Next() {
			got.add(c.Stream, c.Data)
		}
		if err != io.EOF || len(got.pieces) != len(want.pieces) || got.pieces[3] != want.pieces[3] {
			t.Errorf("%s: got %d pieces, %v", name, len(got.pieces), err)
		}
	}
}

func TestDecoderAtACut(t *testing.T) {
	whole, ends := sample()
	for cut := range len(whole) + 1 {
		n, err := wholeChunks(whole[:cut])
		want := io.ErrUnexpectedEOF
		if lastEnd(ends, cut) == cut {
			want = io.EOF
		}
		if err != want || n != int64(lastEnd(ends, cut)) {
			t.Errorf("cut at %d: got %d, %v, want %v", cut, n, err, want)
		}
	}
}

func TestDecoderRefusesNonsense(t *testing.T) {
	for name, bad := range corrupt() {
		if _, err := NewDecoder(bytes.NewReader(bad)).Next(); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestDecoderPassesErrorsOn(t *testing.T) {
	whole, _ := sample()
	r := io.MultiReader(bytes.NewReader(whole[:10]), iotest.ErrReader(io.ErrClosedPipe))
	d := NewDecoder(r)
	_, err := d.Next()
	must(t, err)
	if _, err := d.Next(); err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
}

func TestCopy(t *testing.T) {
	whole, _ := sample()
	whole = appendMark(whole, Stdout, 20)
	whole = appendMark(whole, Stderr, 9) // the last one counts
	var out, stderr bytes.Buffer
	n, err := Copy(&out, &stderr, bytes.NewReader(whole))
	if n != 29 || err != nil || out.String() != "outx" || stderr.String() != "error" {
		t.Errorf("both: got %d, %v, %q, %q", n, err, &out, &stderr)
	}
	out.Reset()
	if n, err := Copy(&out, nil, bytes.NewReader(whole)); n != 20 || err != nil || out.String() != "outx" {
		t.Errorf("stdout: got %d, %v, %q", n, err, &out)
	}
	if n, err := Copy(nil, nil, bytes.NewReader(whole)); n != 0 || err != nil {
		t.Errorf("none: got %d, %v", n, err)
	}
	if _, err := Copy(nil, nil, bytes.NewReader(whole[:12])); err != io.ErrUnexpectedEOF {
		t.Errorf("cut: got %v", err)
	}
}

func TestCopyToABrokenPipe(t *testing.T) {
	r, w := io.Pipe()
	must(t, r.Close())
	whole, _ := sample()
	if _, err := Copy(nil, w, bytes.NewReader(whole)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

// FuzzDecoder decodes anything, and frames the same bytes again from what it got.
func FuzzDecoder(f *testing.F) {
	whole, _ := sample()
	f.Add(whole)
	for _, bad := range corrupt() {
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		d := NewDecoder(bytes.NewReader(p))
		var again []byte
		for {
			c, err := d.Next()
			if err != nil {
				checkEnd(t, p, again, err)
				break
			}
			if c.Mark() {
				again = appendMark(again, c.Stream, c.Discarded)
			} else {
				again = appendChunk(again, c.Stream, c.Data)
			}
		}
		if len(d.buf) > maxFrame {
			t.Fatalf("the decoder holds %d bytes", len(d.buf))
		}
	})
}

func checkEnd(t *testing.T, p, again []byte, err error) {
	t.Helper()
	if !bytes.HasPrefix(p, again) {
		t.Fatal("what was decoded is not what was there")
	}
	switch {
	case err == io.EOF && len(again) == len(p):
	case err == io.ErrUnexpectedEOF && len(again) < len(p):
	case errors.Is(err, ErrCorrupt):
	default:
		t.Fatalf("%d of %d bytes, then %v", len(again), len(p), err)
	}
}
