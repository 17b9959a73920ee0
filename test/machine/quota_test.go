package machine

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/vm"
)

// tested is where the tests of package quota lie in a machine: anybody may run
// them.
const tested = "/usr/local/lib/quota.test"

// TestQuota runs the tests of package quota that mount, and its benchmarks if
// OCTASKLY_BENCH=1.
func TestQuota(t *testing.T) {
	s := bare(t)
	binary := filepath.Join(t.TempDir(), "quota.test")
	build := exec.Command("go", "test", "-c", "-trimpath", "-o", binary, "../../internal/quota")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build: %v\n%s", err, said)
	}
	vm.Must(t, s.Put(s.ctx(), binary, tested, 0o755))
	s.bringXFS()
	ctx, cancel := context.WithTimeout(s.Context(), 2*patience)
	defer cancel()
	args := []string{tested, "-test.v", "-test.run", "Scratch"}
	if os.Getenv("OCTASKLY_BENCH") == "1" {
		args = append(args, "-test.bench", ".", "-test.benchtime", "20x")
	}
	c := s.Command(ctx, args...)
	c.Env = []string{"OCTASKLY_SCRATCH=1"}
	r := c.Run()
	t.Log(r.Stdout)
	if passed := strings.Count(r.Stdout, "\n--- PASS: TestScratch"); r.Code != 0 || passed < 10 {
		t.Errorf("%d tests pass, and it ends with code %d, error %v: %s", passed, r.Code, r.Err, r.Stderr)
	}
}

// bringXFS copies the host's mkfs.xfs, where it has one, with its libraries.
func (s *site) bringXFS() {
	s.Helper()
	const program = "/usr/sbin/mkfs.xfs"
	if _, err := os.Stat(program); err != nil {
		s.Logf("xfs is not tested: %v; type: apt-get install xfsprogs", err)
		return
	}
	vm.Must(s, s.Put(s.ctx(), program, program, 0o755))
	said, err := exec.Command("ldd", program).Output()
	if err != nil {
		s.Fatal(err)
	}
	for _, word := range strings.Fields(string(said)) {
		if filepath.IsAbs(word) && s.Machine.Run(s.ctx(), "test", "-e", word).Code != 0 {
			vm.Must(s, s.Put(s.ctx(), word, word, 0o755))
		}
	}
}
