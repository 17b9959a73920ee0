package box

import (
	"testing"

	"github.com/octaskly/octaskly/test/vm"
)

// TestMeasure logs what starts cost in the machine; only their ratios mean
// something there.
func TestMeasure(t *testing.T) {
	run(t)
	t.Logf("\n%s", vm.Must(t, machine.Run(t.Context(), driver, "bench", "40")))
}
