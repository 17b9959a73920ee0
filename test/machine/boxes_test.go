package machine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/vm"
)

// TestBoxes runs the tests of package executor that need boxes, in a unit like the
// executor's.
func TestBoxes(t *testing.T) {
	vm.Enabled(t)
	binary, program := testBinary(t, "internal/executor"), buildInit(t)
	s := bare(t)
	vm.Must(s, s.Put(s.ctx(), binary, "/usr/local/bin/executor.test", 0o755))
	vm.Must(s, s.Put(s.ctx(), program, "/usr/libexec/octaskly-init", 0o755))
	said := s.sh("systemd-run --wait --pipe --quiet -p Delegate=yes -E TEST_OCTASKLY_INIT=/usr/libexec/octaskly-init " +
		"/usr/local/bin/executor.test -test.v -test.run 'Box|KeepWorkspace' 2>&1")
	t.Log(said)
	if !strings.Contains(said, "--- PASS: TestBoxLimits") || strings.Contains(said, "--- SKIP") || strings.Contains(said, "--- FAIL") {
		t.Error("not all of the tests passed")
	}
}

// buildInit builds octaskly-init.
func buildInit(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "octaskly-init")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", path, "./daemon/init")
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build octaskly-init: %v\n%s", err, said)
	}
	return path
}
