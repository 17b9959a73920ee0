package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteFramedInEverySplit(t *testing.T) {
	whole, ends := sample()
	path := filepath.Join(t.TempDir(), "mirror")
	for _, head := range []int{1, 1000} {
		for i := range len(whole) + 1 {
			for j := i; j <= len(whole); j++ {
				l := Create(Options{Path: path, Head: head})
				for _, part := range [][]byte{whole[:i], whole[i:j], whole[j:]} {
					before := int(l.Size())
					if n, err := l.WriteFramed(part); n != len(part) || err != nil {
						t.Fatalf("split at %d and %d: got %d, %v", i, j, n, err)
					}
					if l.Size() < int64(before) || lastEnd(ends, int(l.Size())) != int(l.Size()) {
						t.Fatalf("split at %d and %d: readers see half a chunk", i, j)
					}
				}
				if !bytes.Equal(read(t, l, 0), whole) {
					t.Fatalf("split at %d and %d: got %x", i, j, read(t, l, 0))
				}
				must(t, l.Remove())
			}
		}
	}
}

func TestMirrorOfAMirrorIsTheSame(t *testing.T) {
	source := newLog(t, Options{Head: 1, Limit: 100_000})
	for range 50 {
		must(t, source.Append(Stdout, bytes.Repeat([]byte("out"), 1000)))
		must(t, source.Append(Stderr, []byte("error")))
	}
	must(t, source.Close())
	mirror := newLog(t, Options{Limit: 100_000})
	n, err := io.Copy(mirror.Framed(), bytes.NewReader(read(t, source, 0)))
	must(t, err)
	must(t, mirror.Close())
	if n != source.Size() || !bytes.Equal(read(t, mirror, 0), read(t, source, 0)) {
		t.Error("the mirror differs")
	}
	for _, s := range streams {
		if mirror.Written(s) != source.Written(s) || mirror.Discarded(s) != source.Discarded(s) {
			t.Errorf("%v: the counts differ", s)
		}
	}
}

// corrupt lists bytes that are not framed output.
func corrupt() map[string][]byte {
	return map[string][]byte{
		"no stream":        appendChunk(nil, 0, []byte("x")),
		"other stream":     appendChunk(nil, 3, []byte("x")),
		"empty chunk":      appendChunk(nil, Stdout, nil),
		"long chunk":       binary.BigEndian.AppendUint32([]byte{1}, MaxChunk+1),
		"huge chunk":       {2, 0xff, 0xff, 0xff, 0xff},
		"short mark":       {0x81, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0},
		"long mark":        {0x81, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"mark of nothing":  appendMark(nil, 0, 1),
		"immeasurable":     appendMark(nil, Stdout, maxTotal),
		"negative mark":    appendMark(nil, Stderr, -1),
		"text":             []byte("hello, world"),
		"other bits":       {0x41, 0, 0, 0, 1, 'x'},
		"bits with a mark": {0xc1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1},
	}
}

func TestWriteFramedRefusesNonsense(t *testing.T) {
	whole, ends := sample()
	for name, bad := range corrupt() {
		for _, good := range ends {
			l := newLog(t, Options{})
			n, err := l.WriteFramed(append(whole[:good:good], bad...))
			if !errors.Is(err, ErrCorrupt) || n < good {
				t.Errorf("%s: got %d, %v", name, n, err)
			}
			if _, err := l.WriteFramed(whole); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: went on with %v", name, err)
			}
			if !bytes.Equal(read(t, l, 0), whole[:good]) {
				t.Errorf("%s: the log has %x", name, read(t, l, 0))
			}
			if at := l.Resume(); at != int64(good) {
				t.Errorf("%s: resumes at %d", name, at)
			}
			if _, err := l.WriteFramed(whole[good:]); err != nil || !bytes.Equal(read(t, l, 0), whole) {
				t.Errorf("%s: after Resume: %v", name, err)
			}
		}
	}
}

// A broken channel leaves half a chunk, and its successor begins at Resume.
func TestResume(t *testing.T) {
	whole, ends := sample()
	for cut := range len(whole) + 1 {
		l := newLog(t, Options{})
		_, err := l.WriteFramed(whole[:cut])
		must(t, err)
		at := l.Resume()
		if at != int64(lastEnd(ends, cut)) || at != l.Size() {
			t.Fatalf("cut at %d: resumes at %d", cut, at)
		}
		_, err = l.WriteFramed(whole[at:])
		must(t, err)
		if !bytes.Equal(read(t, l, 0), whole) {
			t.Fatalf("cut at %d: got %x", cut, read(t, l, 0))
		}
	}
}

// A mirror with a lower limit is the beginning of its source. What does not fit
// is counted once, over broken channels and restarts, until it is closed.
func TestMirrorBeyondItsLimit(t *testing.T) {
	source := appendChunk(nil, Stdout, []byte("123"))
	kept := len(source)
	source = appendChunk(source, Stdout, []byte("4567"))
	source = appendChunk(source, Stderr, []byte("e"))
	source = appendMark(source, Stderr, 100)
	o := Options{Limit: 5, Head: 1}

	l := newLog(t, o)
	_, err := l.WriteFramed(source[:kept+11])
	must(t, err)
	if at := l.Resume(); at != int64(kept)+9 || l.Size() != int64(kept) {
		t.Fatalf("resumes at %d with size %d", at, l.Size())
	}
	must(t, l.Flush())
	if onDisk, err := os.ReadFile(l.path); err != nil || !bytes.Equal(onDisk, source[:kept]) {
		t.Fatalf("the file has %x, %v", onDisk, err)
	}

	again, err := Open(l.path, o)
	must(t, err)
	_, err = again.WriteFramed(source[again.Resume():])
	must(t, err)
	must(t, again.Close())
	want := appendMark(source[:kept:kept], Stdout, 4)
	want = appendMark(want, Stderr, 101)
	if got := read(t, again, 0); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestMirrorOnAFullDisk(t *testing.T) {
	whole, ends := sample()
	l := newLog(t, Options{Head: 1})
	_, err := l.WriteFramed(whole[:ends[1]])
	must(t, err)
	breakDisk(l, 0)
	_, err = l.WriteFramed(whole[ends[1]:ends[2]])
	must(t, err)
	_, err = l.WriteFramed(whole[ends[2]:])
	must(t, err)
	if l.Err() == nil || l.Size() != int64(ends[2]) || l.Resume() != int64(len(whole)) {
		t.Errorf("err %v, size %d, resumes at %d", l.Err(), l.Size(), l.Resume())
	}
	if l.Discarded(Stdout) != 1 || l.Discarded(Stderr) != 7 {
		t.Errorf("discarded %d and %d", l.Discarded(Stdout), l.Discarded(Stderr))
	}
}

func TestMarksAreBounded(t *testing.T) {
	l := newLog(t, Options{})
	for i := range int64(maxMarks) {
		_, err := l.WriteFramed(appendMark(nil, Stdout, i))
		must(t, err)
	}
	if _, err := l.WriteFramed(appendMark(nil, Stdout, maxMarks)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}

// A source that has lost more than a number can say does not spoil the file.
func TestTotalsStayReadable(t *testing.T) {
	l := newLog(t, Options{Limit: 1, Head: 1})
	_, err := l.WriteFramed(appendMark(nil, Stdout, maxTotal-1))
	must(t, err)
	_, err = l.WriteFramed(appendChunk(nil, Stdout, []byte("12")))
	must(t, err)
	must(t, l.Close())
	if got := decode(t, read(t, l, 0)); got.discarded[Stdout] != maxTotal-1 {
		t.Errorf("got %d", got.discarded[Stdout])
	}
}

// FuzzWriteFramed feeds bytes in two parts. The log must hold what a decoder
// finds in them, up to the last whole chunk.
func FuzzWriteFramed(f *testing.F) {
	whole, _ := sample()
	f.Add(whole, uint16(7))
	for _, bad := range corrupt() {
		f.Add(append(whole[:len(whole):len(whole)], bad...), uint16(40))
	}
	f.Fuzz(func(t *testing.T, p []byte, at uint16) {
		l := Create(Options{Head: 1 << 30})
		cut := min(int(at), len(p))
		_, err := l.WriteFramed(p[:cut])
		if err == nil {
			_, err = l.WriteFramed(p[cut:])
		}
		valid, decodeErr := wholeChunks(p)
		if errors.Is(err, ErrCorrupt) != errors.Is(decodeErr, ErrCorrupt) {
			t.Fatalf("WriteFramed says %v, the decoder %v", err, decodeErr)
		}
		if got := read(t, l, 0); !bytes.Equal(got, p[:valid]) {
			t.Fatalf("the log has %d bytes of %d", len(got), valid)
		}
	})
}

// wholeChunks is the length of the valid chunks that p begins with.
func wholeChunks(p []byte) (n int64, err error) {
	d := NewDecoder(bytes.NewReader(p))
	for {
		c, err := d.Next()
		if err != nil {
			return n, err
		}
		n += c.frameSize()
	}
}
