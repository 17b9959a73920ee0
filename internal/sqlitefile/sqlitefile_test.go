package sqlitefile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The databases in testdata are SQLite's: a small one with a table of many kinds
// of values, one WITHOUT ROWID and overflow pages, and one that has some of that
// in its log. How this package reads what SQLite has written is tested in package
// store, which links it: fuzzing would trace all of it.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Whatever is done to the bytes of a database, reading ends, and yields no
// values that a row cannot have.
func TestDamage(t *testing.T) {
	whole := testdata(t, "whole.db")
	rapid.Check(t, func(r *rapid.T) {
		data := append([]byte(nil), whole...)
		for range rapid.IntRange(1, 20).Draw(r, "damages") {
			at := rapid.IntRange(0, len(data)-1).Draw(r, "at")
			copy(data[at:], rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(r, "with"))
		}
		readAll(r, data[:rapid.IntRange(1, len(data)).Draw(r, "size")], nil)
	})
}

type failer interface{ Fatalf(string, ...any) }

func readAll(t failer, data, wal []byte) {
	f := &File{main: file{bytes.NewReader(data), int64(len(data))}, wal: file{bytes.NewReader(wal), int64(len(wal))}}
	if err := f.prepare(); err != nil {
		t.Fatalf("%v", err)
	}
	f.Free()
	f.Short()
	f.Torn(1)
	size := 0
	count := func(r Row) error {
		for _, v := range r.Values {
			switch v := v.(type) {
			case string:
				size += len(v)
			case []byte:
				size += len(v)
			case nil, int64, float64:
			default:
				t.Fatalf("a value is %T", v)
			}
		}
		return nil
	}
	for root := range uint32(4) {
		f.Walk(root, root%2 == 0, count)
	}
	f.Orphans(func(r Row, _ bool) error { return count(r) })
	if limit := 16 * (len(data) + len(wal) + 4096); size > limit {
		t.Fatalf("%d bytes of values are in a file of %d", size, len(data))
	}
}

func FuzzRead(f *testing.F) {
	logged, wal := testdata(f, "logged.db"), testdata(f, "logged.db-wal")
	f.Add(logged, wal)
	f.Add(logged, []byte{})
	f.Add([]byte(strings.Repeat("\x0d\x00\x00\x00\x01", 200)), wal)
	f.Fuzz(func(t *testing.T, data, wal []byte) { readAll(t, data, wal) })
}
