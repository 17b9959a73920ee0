package executor

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// The latest workspace stays however old the clock on the wall makes it look.
func TestThinOut(t *testing.T) {
	x := &Executor{dir: t.TempDir()}
	latest := x.path(keptDir + "/0")
	for i := range maxKept + 2 { // so that the latest was changed first
		check(t, os.MkdirAll(x.path(fmt.Sprintf("%s/%d", keptDir, i)), 0o700))
	}
	check(t, x.thinOut(latest))
	if kept, _ := filepath.Glob(x.path(keptDir + "/*")); len(kept) != maxKept {
		t.Errorf("%d are kept", len(kept))
	}
	if _, err := os.Stat(latest); err != nil {
		t.Error(err)
	}
}
