package spool

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// piece is a run of bytes of one stream.
type piece struct {
	stream Stream
	data   string
}

// output is what a log should hold, however it was cut into chunks.
type output struct {
	pieces    []piece
	discarded [Stderr + 1]int64
}

func (o *output) add(s Stream, data []byte) {
	if last := len(o.pieces) - 1; last >= 0 && o.pieces[last].stream == s {
		o.pieces[last].data += string(data)
	} else if len(data) > 0 {
		o.pieces = append(o.pieces, piece{s, string(data)})
	}
}

func (o *output) written(s Stream) (n int64) {
	for _, p := range o.pieces {
		if p.stream == s {
			n += int64(len(p.data))
		}
	}
	return n
}

// decode reads framed bytes to the end.
func decode(t rapid.TB, framed []byte) (o output) {
	t.Helper()
	d := NewDecoder(bytes.NewReader(framed))
	for {
		c, err := d.Next()
		switch {
		case err == io.EOF:
			return o
		case err != nil:
			t.Fatalf("decode: %v", err)
		case c.Mark():
			o.discarded[c.Stream] = c.Discarded
		default:
			o.add(c.Stream, c.Data)
		}
	}
}

// read is everything the log holds from an offset on.
func read(t rapid.TB, l *Log, from int64) []byte {
	t.Helper()
	r := l.Reader(context.Background(), from, false)
	defer r.Close()
	framed, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return framed
}

func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

var drawStream = rapid.SampledFrom(streams)

// drawData is mostly short, and now and then longer than a chunk.
func drawData(t *rapid.T) []byte {
	n := rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(0, 3000), rapid.IntRange(MaxChunk-2, 2*MaxChunk+2)).Draw(t, "length")
	seed := rapid.Byte().Draw(t, "seed")
	data := make([]byte, n)
	for i := range data {
		data[i] = seed + byte(i)
	}
	return data
}

// Whatever is appended, in whatever pieces, reads back the same: in memory or
// spilled, while the log grows, when it is closed, and from its file.
func TestLogReadsBackWhatWasAppended(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		o := Options{
			Path:  filepath.Join(dir, "log"),
			Limit: rapid.OneOf(rapid.Int64Range(1, 200), rapid.Int64Range(1, 300_000)).Draw(t, "limit"),
			Head:  rapid.SampledFrom([]int{1, 100, 64 << 10}).Draw(t, "head"),
			Paced: rapid.Bool().Draw(t, "paced"),
		}
		l := Create(o)
		var want output
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				s, data := drawStream.Draw(t, "stream"), drawData(t)
				must(t, l.Append(s, data))
				kept := min(int64(len(data)), o.Limit-want.written(s))
				want.add(s, data[:kept])
				want.discarded[s] += int64(len(data)) - kept
			},
			"flush": func(t *rapid.T) { must(t, l.Flush()) },
			"":      func(t *rapid.T) { check(t, l, want) },
		})
		must(t, l.Close())
		check(t, l, want)
		checkClosed(t, l, want)
		must(t, l.Remove())
		if exists(o.Path) {
			t.Fatal("the file is still there")
		}
	})
}

// check compares a log with what it should hold by now, marks apart.
func check(t *rapid.T, l *Log, want output) {
	framed := read(t, l, 0)
	got := decode(t, framed)
	if len(got.pieces) != len(want.pieces) {
		t.Fatalf("got %d pieces, want %d", len(got.pieces), len(want.pieces))
	}
	for i := range want.pieces {
		if got.pieces[i] != want.pieces[i] {
			t.Fatalf("piece %d differs", i)
		}
	}
	for _, s := range streams {
		if l.Written(s) != want.written(s) || l.Discarded(s) != want.discarded[s] {
			t.Fatalf("%v: counted %d and %d discarded, want %d and %d", s, l.Written(s), l.Discarded(s), want.written(s), want.discarded[s])
		}
	}
	if l.Size() != int64(len(framed)) {
		t.Fatalf("Size: got %d, want %d", l.Size(), len(framed))
	}
	from := rapid.Int64Range(0, l.Size()).Draw(t, "from")
	if !bytes.Equal(read(t, l, from), framed[from:]) {
		t.Fatalf("reading from %d differs", from)
	}
	held, inMemory := l.Bytes()
	if inMemory && !bytes.Equal(held, framed) {
		t.Fatal("Bytes differs")
	}
	if inMemory == exists(l.path) {
		t.Fatalf("in memory is %v, and so is the file's existence", inMemory)
	}
}

// checkClosed looks at the marks, and at the file as another process finds it.
func checkClosed(t *rapid.T, l *Log, want output) {
	framed := read(t, l, 0)
	if got := decode(t, framed); got.discarded != want.discarded {
		t.Fatalf("marks: got %v, want %v", got.discarded, want.discarded)
	}
	if _, inMemory := l.Bytes(); inMemory {
		return
	}
	onDisk, err := os.ReadFile(l.path)
	must(t, err)
	if !bytes.Equal(onDisk, framed) {
		t.Fatal("the file differs from what readers get")
	}
	again, err := Open(l.path, Options{})
	must(t, err)
	check(t, again, want)
	must(t, again.Close())
	if again.Size() != l.Size() {
		t.Fatalf("opened again it has %d bytes, not %d", again.Size(), l.Size())
	}
}
