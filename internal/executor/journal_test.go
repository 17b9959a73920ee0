package executor

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

func sampleEnd(serial uint64, output int) *record {
	return &record{Serial: serial, Generation: "g", Finished: &protocol.Finished{
		ID:     octaskly.AttemptID{Job: octaskly.JobID(serial), Number: 1},
		End:    octaskly.End{State: octaskly.Failed, Reason: "exit:3"},
		Output: bytes.Repeat([]byte("x"), output),
	}}
}

func load(t rapid.TB, path string) (serials []uint64) {
	j, ends, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	for _, r := range ends {
		serials = append(serials, r.Serial)
		got, _ := appendRecord(nil, r)
		want, _ := appendRecord(nil, sampleEnd(r.Serial, len(r.Finished.Output)))
		if !bytes.Equal(got, want) {
			t.Errorf("serial %d is loaded as %+v", r.Serial, r)
		}
	}
	return serials
}

// TestJournalRemembers compares a journal with a set, through restarts and torn
// ends.
func TestJournalRemembers(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(dir, "ends.log")
		os.Remove(path)
		live := map[uint64]bool{}
		var serial uint64
		var j *journal
		open := func() {
			var err error
			if j, _, err = openJournal(path); err != nil {
				t.Fatal(err)
			}
			j.slack = 1000
		}
		open()
		defer func() { j.close() }()
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				output := rapid.IntRange(0, 300).Draw(t, "output")
				for range 5 {
					serial++
					if err := j.add(sampleEnd(serial, output)); err != nil {
						t.Fatal(err)
					}
					live[serial] = true
				}
			},
			"release": func(t *rapid.T) {
				ids := rapid.SliceOfN(rapid.Uint64Range(0, serial+1), 0, 8).Draw(t, "ids")
				for _, id := range ids {
					delete(live, id)
				}
				j.release(ids)
			},
			"restart": func(t *rapid.T) {
				j.close()
				tail := rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "torn")
				f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
				if err != nil {
					t.Fatal(err)
				}
				f.Write(tail)
				f.Close()
				open()
				if got, want := load(t, path), slices.Sorted(maps.Keys(live)); !slices.Equal(got, want) {
					t.Fatalf("loaded %v, want %v", got, want)
				}
				if limit := j.slack + 2*j.bytes + 20*400; j.size > limit {
					t.Fatalf("%d bytes for %d live ones", j.size, j.bytes)
				}
			},
		})
	})
}

func TestJournalShrinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ends.log")
	j, _, err := openJournal(path)
	check(t, err)
	defer j.close()
	for serial := range uint64(100) {
		check(t, j.add(sampleEnd(serial+1, 60_000)))
	}
	serials := make([]uint64, 99)
	for i := range serials {
		serials[i] = uint64(i + 1)
	}
	j.release(serials)
	if info, _ := os.Stat(path); info.Size() > 70_000 {
		t.Errorf("%d bytes with one live end", info.Size())
	}
	if got := load(t, path); !slices.Equal(got, []uint64{100}) {
		t.Errorf("loaded %v", got)
	}
}

// TestJournalOnAFullDisk wants an error once, and nothing forgotten.
func TestJournalOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ends.log")
	j, _, err := openJournal(path)
	check(t, err)
	defer func() { check(t, j.close()) }()
	check(t, j.add(sampleEnd(1, 10)))
	good := j.file
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	check(t, err)
	defer full.Close()
	j.file = full
	if err := j.add(sampleEnd(2, 10)); err == nil {
		t.Error("no error on a full disk")
	}
	for serial := range uint64(3) {
		check(t, j.add(sampleEnd(serial+3, 10))) // no news
	}
	j.release([]uint64{4})
	j.file = good
	j.failed = j.failed.Add(-2 * journalRetry)
	check(t, j.add(sampleEnd(6, 10)))
	if got, want := load(t, path), []uint64{1, 2, 3, 5, 6}; !slices.Equal(got, want) {
		t.Errorf("loaded %v, want %v", got, want)
	}
}

func FuzzReadRecord(f *testing.F) {
	whole, err := appendRecord(nil, sampleEnd(1, 3))
	check(f, err)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, size, err := readRecord(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, errTorn) {
				t.Errorf("%v, want %v", err, errTorn)
			}
			return
		}
		if r == nil || size > int64(len(data)) {
			t.Errorf("a record of %d bytes from %d", size, len(data))
		}
		if _, _, err := readRecord(io.LimitReader(bytes.NewReader(data), size-1)); !errors.Is(err, errTorn) {
			t.Errorf("without its last byte: %v", err)
		}
	})
}
