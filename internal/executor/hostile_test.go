package executor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// A command that reads its own output away does not hold up its slot.
func TestStolenOutput(t *testing.T) {
	r := newRig(t, config(t))
	// The thief takes back what it has written, as fast as it can, until its time
	// is up.
	f := r.run(octaskly.Spec{
		Argv:    []string{"sh", "-c", "while :; do echo x; done & exec 3< /proc/self/fd/1; exec cat <&3 > /dev/null"},
		Timeout: 300 * time.Millisecond,
	})
	if f.End.State != octaskly.TimedOut {
		t.Errorf("it ended as %+v", f.End)
	}
	wantEnd(t, r.run(octaskly.Spec{Argv: []string{"true"}}), octaskly.Completed, "")
}

// What a task says of itself is quoted in bounds.
func TestLongDetail(t *testing.T) {
	r := newRig(t, config(t))
	f := r.run(octaskly.Spec{Argv: []string{strings.Repeat("\x01", 100_000)}, Env: []string{"PATH=/bin" + strings.Repeat("/", 100_000)}})
	if f.End.State != octaskly.Failed || len(f.End.Detail) > 2*maxDetail {
		t.Errorf("%v with %d bytes of detail", f.End.State, len(f.End.Detail))
	}
}

// A command that makes what is above its workspace unwritable spoils it for
// itself only.
func TestSpoiledWorkspace(t *testing.T) {
	cfg := config(t)
	cfg.Slots = 1
	r := newRig(t, cfg)
	work := filepath.Join(cfg.Dir, "work")
	wantEnd(t, r.run(octaskly.Spec{Argv: []string{"sh", "-c", "touch x; chmod 500 .."}}), octaskly.Completed, "")
	if err := os.WriteFile(filepath.Join(work, "slot-0"), nil, 0o600); err == nil { // as root: what is there is in the way
		t.Cleanup(func() { os.Remove(filepath.Join(work, "slot-0")) })
	}
	wantEnd(t, r.run(octaskly.Spec{Argv: []string{"touch", "y"}}), octaskly.Completed, "")
}
