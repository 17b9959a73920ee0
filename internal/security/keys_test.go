package security

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func (k Key) is(other Key) bool { return k.secret() == other.secret() }

func same(a, b []Key) bool { return slices.EqualFunc(a, b, Key.is) }

// A key that is rotated away lets others in for a while, and opens for ever.
func TestRotated(t *testing.T) {
	at := time.Date(2026, 11, 29, 10, 0, 0, 5, time.UTC)
	first := GenerateKey()
	keys, err := NewKeys(first).Rotated(false, at)
	if err != nil {
		t.Fatal(err)
	}
	second := keys.Present()
	if second.is(first) {
		t.Fatal("the key is the one before")
	}
	for _, tt := range []struct {
		after time.Duration
		want  []Key
	}{{0, []Key{second, first}}, {FormerKeyLife - time.Second, []Key{second, first}}, {FormerKeyLife, []Key{second}}} {
		if got := keys.Counting(at.Add(tt.after)); !same(got, tt.want) {
			t.Errorf("after %v %v count, want %v", tt.after, got, tt.want)
		}
	}
	third, err := keys.Rotated(false, at.Add(time.Hour))
	if err != nil || !same(third.Counting(at.Add(time.Hour)), []Key{third.Present(), second, first}) {
		t.Errorf("the third time %v count, %v", third.Counting(at), err)
	}
	last, err := third.Rotated(true, at.Add(2*time.Hour))
	if err != nil || !same(last.Counting(at.Add(2*time.Hour)), []Key{last.Present()}) {
		t.Errorf("of distrusted ones %v count, %v", last.Counting(at), err)
	}
	if !same(last.All(), []Key{last.Present(), third.Present(), second, first}) {
		t.Errorf("all are %v", last.All())
	}
	if got := last.Former()[2].Until; !got.Before(at.Add(3 * time.Hour)) {
		t.Errorf("the first one ends %v", got)
	}
}

// A link stays one, and who rotates at the same time does so in turn.
func TestRotateLinked(t *testing.T) {
	path := write(t, goodLine, 0o600)
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range maxKeys - 1 {
		all.Go(func() {
			if _, err := RotateKeyFile(link, false, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if keys, err := LoadKeys(path); err != nil || len(keys.All()) != maxKeys {
		t.Errorf("the file has %v, %v", keys.All(), err)
	}
	if to, err := os.Readlink(link); err != nil || to != path {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

// Distrust ends what goes on, and does not prolong what is over.
func TestDistrustEndsOnly(t *testing.T) {
	at := time.Now()
	keys, _ := NewKeys(GenerateKey()).Rotated(true, at)
	before := keys.Former()[0].Until
	keys, _ = keys.Rotated(true, at.Add(time.Hour))
	if got := keys.Former()[1].Until; !got.Equal(before) {
		t.Errorf("what was over %v is over %v", before, got)
	}
}

func TestRotateKeyFile(t *testing.T) {
	path, now := write(t, goodLine, 0o600), time.Now()
	want, err := LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range maxKeys - 1 {
		rotated, err := RotateKeyFile(path, false, now)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := LoadKeys(path)
		if err != nil || !same(loaded.All(), rotated.All()) || !same(rotated.All()[1:], want.All()) {
			t.Fatalf("%d: the file has %v, want %v before %v, %v", n, loaded.All(), rotated.Present(), want.All(), err)
		}
		if !same(loaded.Counting(now), loaded.All()) {
			t.Errorf("%d: %v count of %v", n, loaded.Counting(now), loaded.All())
		}
		want = loaded
	}
	full, _ := os.ReadFile(path)
	if _, err := RotateKeyFile(path, false, now); err == nil || !strings.Contains(err.Error(), "lets workers in until") {
		t.Errorf("a file that is full: %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != string(full) {
		t.Error("a full file has changed")
	}
	rotated, err := RotateKeyFile(path, true, now) // which is never refused
	if err != nil || !same(rotated.All()[1:], want.All()[:maxKeys-1]) || len(rotated.Counting(now)) != 1 {
		t.Errorf("distrusted, it has %v, %v", rotated.All(), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := RotateKeyFile(path+"x", false, now); err == nil {
		t.Error("a file that is not there rotates")
	}
}
