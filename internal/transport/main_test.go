package transport

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "16") // who is parallel here waits for time to pass; -parallel is heard after this
	goleak.VerifyTestMain(m)
}
