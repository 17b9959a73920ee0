package systemd

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if asks := os.Getenv("TEST_ASK_SOCKETS"); asks != "" {
		os.Exit(askSockets(asks))
	}
	goleak.VerifyTestMain(m)
}
