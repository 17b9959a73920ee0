package vm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestScratchSweeps(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "work")
	first, held, err := scratch(t.Context(), parent)
	if err != nil {
		t.Fatal(err)
	}
	second, other, err := scratch(t.Context(), parent)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := os.Stat(first); err != nil {
		t.Errorf("a directory that is held: %v", err)
	}
	if err := held.Close(); err != nil { // as if its owner had died
		t.Fatal(err)
	}
	_, third, err := scratch(t.Context(), parent)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if _, err := os.Stat(first); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that nobody holds: %v", err)
	}
	if _, err := os.Stat(second); err != nil {
		t.Errorf("the other one: %v", err)
	}
}

func TestPruneSparesWhatIsHeld(t *testing.T) {
	cache := t.TempDir()
	image := func(name string) (string, lock) {
		dir := filepath.Join(cache, "image-"+name)
		l, err := openLock(dir + ".lock")
		if err == nil {
			err = os.Mkdir(dir, 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
		return dir, l
	}
	old, unheld := image("old")
	used, held := image("used")
	ours, mine := image("ours")
	defer held.Close()
	if err := errors.Join(unheld.Close(), held.take(t.Context(), shared), mine.Close(), prune(ours)); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{old: false, used: true, ours: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: %v", filepath.Base(dir), err)
		}
	}
}

func TestLockWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	one, err := openLock(path)
	if err != nil {
		t.Fatal(err)
	}
	two, err := openLock(path)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	if err := one.take(t.Context(), exclusive); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := two.take(ctx, shared); !errors.Is(err, context.Canceled) {
		t.Errorf("a lock that another one holds: %v", err)
	}
	if err := errors.Join(one.Close(), two.take(t.Context(), shared)); err != nil {
		t.Error(err)
	}
}
