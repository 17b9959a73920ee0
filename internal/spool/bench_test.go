package spool

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"
)

var page = make([]byte, 4<<10)

func BenchmarkAppendInMemory(b *testing.B) {
	l := Create(Options{})
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%15 == 0 { // as many as fit in the head
			must(b, l.Close())
			l.Reset("")
		}
		must(b, l.Append(Stdout, page))
	}
}

func BenchmarkAppendSpilled(b *testing.B) {
	l := Create(Options{Path: filepath.Join(b.TempDir(), "log")})
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%10_000 == 0 { // 40 MiB, below the limit
			must(b, l.Remove())
			l.Reset(l.path)
		}
		must(b, l.Append(Stdout, page))
	}
	must(b, l.Remove())
}

// What a command without output costs.
func BenchmarkSilentAttempt(b *testing.B) {
	l := Create(Options{Path: "/nowhere"})
	b.ReportAllocs()
	for b.Loop() {
		must(b, l.Close())
		must(b, l.Remove())
		l.Reset("/nowhere")
	}
}

func BenchmarkWriteFramed(b *testing.B) {
	l := Create(Options{Path: filepath.Join(b.TempDir(), "log")})
	framed := bytes.Repeat(appendChunk(nil, Stdout, page), 16)
	b.SetBytes(int64(len(framed)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%600 == 0 {
			must(b, l.Remove())
			l.Reset(l.path)
		}
		if _, err := l.WriteFramed(framed); err != nil {
			b.Fatal(err)
		}
	}
	must(b, l.Remove())
}

func BenchmarkCopy(b *testing.B) {
	framed := bytes.Repeat(appendChunk(nil, Stdout, page), 1000)
	b.SetBytes(int64(len(framed)))
	for b.Loop() {
		if _, err := Copy(io.Discard, io.Discard, bytes.NewReader(framed)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTail(b *testing.B) {
	framed := bytes.Repeat(appendChunk(nil, Stdout, bytes.Repeat([]byte("a line of output\n"), 240)), 1000)
	b.SetBytes(int64(len(framed)))
	for b.Loop() {
		if _, err := Tail(bytes.NewReader(framed), 10, nil); err != nil {
			b.Fatal(err)
		}
	}
}
