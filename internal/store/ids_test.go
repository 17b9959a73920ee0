package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func reservedIn(t *testing.T, dir string) (bound octaskly.JobID) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "octaskly.ids"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(text), &bound); err != nil {
		t.Fatal(err)
	}
	return bound
}

// No id is given out that is not reserved on disk, and a start costs none.
func TestIDsAreReserved(t *testing.T) {
	s := openTemp(t)
	dir := filepath.Dir(s.path)
	for want := octaskly.JobID(1); want <= 2*idBlock+1; want++ {
		id := newID(s)
		if id != want {
			t.Fatalf("%d comes after %d", id, want-1)
		}
		if id%idBlock < 2 && reservedIn(t, dir) <= id {
			t.Fatalf("%d is given out, %d is reserved", id, reservedIn(t, dir))
		}
	}
	put(t, s, plainJob(2*idBlock+1))
	for range 3 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, s.path)
		if id := newID(s); id != 2*idBlock+2 {
			t.Errorf("a start goes on with %d", id)
		}
	}
	if bound := reservedIn(t, dir); bound > 4*idBlock {
		t.Errorf("%d are reserved", bound)
	}
}

// Where nothing can be reserved, nothing is given out, and it is tried again.
func TestCannotReserve(t *testing.T) {
	s := openTemp(t)
	s.nextJob.Store(int64(s.ids.bound) - 1)
	good := s.ids.path
	s.ids.path = filepath.Join(t.TempDir(), "none", "octaskly.ids")
	before := s.nextJob.Load()
	if id, err := s.NextJobID(); !errors.Is(err, octaskly.ErrUnavailable) {
		t.Errorf("id %d, %v", id, err)
	}
	s.ids.path = good
	if id, err := s.NextJobID(); err != nil || int64(id) != before+1 {
		t.Errorf("id %d after %d, %v", id, before, err)
	}
}

// Whatever becomes of a database, ids that another has given out do not come back,
// and it is told.
func TestLostDatabase(t *testing.T) {
	inDir := func(name, text string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			file := filepath.Join(filepath.Dir(path), name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		beside func(t *testing.T, path string)
		least  octaskly.JobID
		told   bool
	}{
		"alone":         {func(*testing.T, string) {}, 1, false},
		"ids":           {inDir("octaskly.ids", "1700000\n"), 1_700_000, true},
		"blobs":         {inDir("blobs/x", ""), idGap, true},
		"output":        {inDir("output/1700000/0.1", ""), 1_700_000 + 1, true},
		"a log":         {inDir("octaskly.db-wal", "x"), idGap, true},
		"a damaged one": {inDir("octaskly.db.damaged-20260101T000000Z", "x"), idGap, true},
		"empty trees": {func(t *testing.T, path string) {
			for _, tree := range []string{"blobs", "output"} {
				if err := os.Mkdir(filepath.Join(filepath.Dir(path), tree), 0o700); err != nil {
					t.Fatal(err)
				}
			}
		}, 1, false},
	} {
		for _, empty := range []bool{false, true} {
			t.Run(fmt.Sprint(name, empty), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "octaskly.db")
				test.beside(t, path)
				if empty {
					if err := os.WriteFile(path, nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				s := openAt(t, path)
				r := s.Health().Salvage
				if (r != nil) != test.told || !s.Divided().IsZero() != test.told {
					t.Fatalf("told %+v, divided %v", r, s.Divided())
				}
				if r != nil && !strings.Contains(strings.Join(r.Lines(), "\n"), map[bool]string{false: "it is missing", true: "it is empty"}[empty]) {
					t.Error(r.Lines())
				}
				if id := newID(s); id < test.least || !test.told && id != 1 {
					t.Errorf("the first id is %d", id)
				}
			})
		}
	}
}

// A database that is cut to nothing readable, after ids were skipped, gives out
// none of them again; so does one that is much older than the reservation.
func TestReservationOutlivesDatabase(t *testing.T) {
	for name, change := range map[string]func(data []byte) []byte{
		"cut":   func(data []byte) []byte { return data[:2000] },
		"older": func(data []byte) []byte { return data },
	} {
		t.Run(name, func(t *testing.T) {
			s := openTemp(t)
			put(t, s, plainJob(newID(s)))
			s.nextJob.Store(3_000_000)
			last := newID(s)
			if name == "cut" {
				put(t, s, plainJob(last))
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(s.path)
			if err := errors.Join(err, os.WriteFile(s.path, change(data), 0o600)); err != nil {
				t.Fatal(err)
			}
			if id := newID(openAt(t, s.path)); id <= last {
				t.Errorf("%d is given out after %d", id, last)
			}
		})
	}
}

// A reservation that cannot be read is no matter while the database is sound.
func TestOddReservations(t *testing.T) {
	for _, text := range []string{"", "abc", "-5", "99999999999999999999", "0", strings.Repeat("1", 100)} {
		s := openTemp(t)
		put(t, s, plainJob(newID(s)))
		if err := errors.Join(s.Close(), os.WriteFile(s.ids.path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		if id := newID(openAt(t, s.path)); id != 2 || reservedIn(t, filepath.Dir(s.path)) < 3 {
			t.Errorf("%q: the next id is %d", text, id)
		}
	}
}

// Ids end where nobody can name them, whatever the sequence says.
func TestLastID(t *testing.T) {
	s := openTemp(t)
	s.nextJob.Store(int64(lastID) - 1)
	if id := newID(s); id != lastID {
		t.Errorf("%d comes before %d", id, lastID)
	}
	for range 2 {
		if id, err := s.NextJobID(); !errors.Is(err, octaskly.ErrFull) || !strings.Contains(err.Error(), "999999999 was the last one") {
			t.Errorf("id %d, %v", id, err)
		}
	}
	if _, err := octaskly.ParseRanges(lastID.String()); err != nil {
		t.Error(err)
	}
}

func TestAbsurdSequence(t *testing.T) {
	for _, seq := range []string{"9223372036854775807", "9223372036854775000", "-7", "1000000000", "'x'", "1e300"} {
		s := openTemp(t)
		put(t, s, plainJob(newID(s)))
		if err := errors.Join(s.Close(), alter(s.path, `UPDATE sqlite_sequence SET seq = `+seq)); err != nil {
			t.Fatal(err)
		}
		var next [2]octaskly.JobID
		for i := range next {
			s := openAt(t, s.path)
			next[i] = newID(s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if next[0] < 2 || next[0] > lastID || next[1] != next[0] {
			t.Errorf("sequence %s: next ids are %d", seq, next)
		}
	}
}
