package store

import (
	"flag"
	"os"
	"strconv"
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
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); thinning > 1 && f.Value.String() == f.DefValue {
		f.Value.Set(strconv.Itoa(thinned(100)))
	}
	goleak.VerifyTestMain(m)
}

// thinned is how many of n cases are tried, see thinning.
func thinned(n int) int { return (n + thinning - 1) / thinning }
