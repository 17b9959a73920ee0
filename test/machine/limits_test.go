package machine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/vm"
)

// TestLimits runs the tests of package resources where there are controllers: in
// delegated units.
func TestLimits(t *testing.T) {
	vm.Enabled(t)
	binary := testBinary(t, "internal/resources")
	s := bare(t)
	vm.Must(s, s.Put(s.ctx(), binary, "/usr/local/bin/resources.test", 0o755))
	const tests = " env TEST_CONTROLLERS=1 /usr/local/bin/resources.test -test.v -test.run 'Controlled|Usage|ProcessorTime|NotOffered'"
	for name, script := range map[string]string{
		"as a scope":   "systemd-run --scope -p Delegate=yes" + tests,
		"as a service": "systemd-run --wait --pipe -p Delegate=yes" + tests,
	} {
		s.step(name, func(s *site) { s.passes(script) })
	}
}

// passes wants a test binary to succeed, and at least one test not to be skipped.
func (s *site) passes(script string) {
	s.Helper()
	said := s.sh(script + " 2>&1")
	s.Log(said)
	if !strings.Contains(said, "--- PASS: TestControlled") || strings.Contains(said, "--- SKIP") {
		s.Error("not all of the tests ran")
	}
}

// testBinary compiles the tests of a package.
func testBinary(t *testing.T, pkg string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "test")
	cmd := exec.Command("go", "test", "-c", "-o", path, "./"+pkg)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot compile the tests of %s: %v\n%s", pkg, err, said)
	}
	return path
}
