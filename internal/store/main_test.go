package store

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// With crashDir or collectDir set the test program is the one that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(crashDir); path != "" {
		commitUntilKilled(path)
		return
	}
	if path := os.Getenv(collectDir); path != "" {
		collectUntilKilled(path)
		return
	}
	goleak.VerifyTestMain(m)
}
