package machine

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/test/vm"
)

// benchTime bounds the benchmark; it takes 6 minutes on two cores without KVM.
const benchTime = 14 * time.Minute

// TestBenchSandbox logs what boxes cost where all can be enforced, in a unit like
// the executor's. An emulated machine shows ratios at best.
func TestBenchSandbox(t *testing.T) {
	vm.Enabled(t)
	if os.Getenv("OCTASKLY_BENCH") == "" {
		t.Skip("make bench-sandbox runs it")
	}
	binary, program := filepath.Join(t.TempDir(), "boxes"), buildInit(t)
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "./test/bench/boxes")
	build.Dir = filepath.Join("..", "..")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build: %v\n%s", err, said)
	}
	s := &site{t, vm.Boot(t, vm.Options{Name: "bench", Tools: true, Memory: 1536})}
	vm.Must(s, s.Put(s.ctx(), binary, "/usr/local/bin/boxes", 0o755))
	vm.Must(s, s.Put(s.ctx(), program, "/usr/libexec/octaskly-init", 0o755))
	ctx, cancel := context.WithTimeout(t.Context(), benchTime)
	defer cancel()
	said := vm.Must(s, s.Shell(ctx, "systemd-run --wait --pipe --quiet -p Delegate=yes -p LimitNOFILE=524288 -p TasksMax=infinity "+
		"/usr/local/bin/boxes -init /usr/libexec/octaskly-init -pool 1073741824 -rounds 3 -tasks 6 -pause 100ms -deadline 11m 2>&1"))
	t.Log(said)
	if !strings.Contains(said, "\naims\n") {
		t.Error("there is no report")
	}
}
