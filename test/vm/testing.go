package vm

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	// Var names the variable that lets tests start virtual machines: 1.
	Var = "OCTASKLY_VM"
	// LogsVar names the variable that holds the directory for consoles of
	// machines whose tests have failed. Where it is empty, os.TempDir.
	LogsVar = "OCTASKLY_VM_LOGS"
)

// startTimeout bounds how long Boot waits for an image, a free slot and a
// machine.
const startTimeout = 20 * time.Minute

// Boot starts a machine for a test and ends it after the test. If the test has
// failed, the end of the console is shown and all of it kept. Without
// OCTASKLY_VM=1, the test is skipped.
func Boot(t testing.TB, o Options) *Machine {
	t.Helper()
	Enabled(t)
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	m, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			m.report(t)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// Enabled skips a test where no virtual machines are to be started.
func Enabled(t testing.TB) {
	t.Helper()
	if os.Getenv(Var) != "1" {
		t.Skip("it takes a virtual machine: make test-vm runs it")
	}
}

// Cable makes a network for a test.
func Cable(t testing.TB) *Network {
	t.Helper()
	n, err := NewNetwork()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// Must returns the standard output of a command that has to succeed.
func Must(t testing.TB, r Result) string {
	t.Helper()
	if r.Code != 0 {
		t.Fatal(r)
	}
	return r.Stdout
}

// report shows the end of the console and says where all of it is.
func (m *Machine) report(t testing.TB) {
	t.Helper()
	t.Logf("console of %s:\n%s", m.options.Name, m.Console())
	kept, err := os.MkdirTemp(os.Getenv(LogsVar), "octaskly-vm-"+m.options.Name+"-")
	if err == nil {
		kept = filepath.Join(kept, "console.log")
		err = m.keepConsole(kept)
	}
	if err != nil {
		t.Logf("cannot keep the console: %v", err)
		return
	}
	t.Logf("all of it is in %s", kept)
}

func (m *Machine) keepConsole(to string) error {
	text, err := os.ReadFile(filepath.Join(m.dir, "console.log"))
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}
