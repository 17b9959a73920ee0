package vm

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// fakeQEMU answers each command with the next of lines, and returns a monitor
// that has been opened.
func fakeQEMU(t *testing.T, lines ...string) *monitor {
	t.Helper()
	conn, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer theirs.Close()
		io.WriteString(theirs, `{"QMP": {"version": {}}}`+"\n")
		// Commands do not end in newlines, but each in two braces.
		in := bufio.NewReader(theirs)
		for _, line := range append([]string{`{"return": {}}`}, lines...) {
			if _, err := in.ReadString('}'); err != nil {
				return
			}
			in.Discard(in.Buffered())
			io.WriteString(theirs, line+"\n")
		}
		io.Copy(io.Discard, in)
	}()
	t.Cleanup(func() { conn.Close(); <-over })
	m, err := openMonitor(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestExecute(t *testing.T) {
	m := fakeQEMU(t, `{"event": "STOP"} {"return": {}}`, `{"error": {"class": "GenericError", "desc": "no such thing"}}`)
	if err := m.execute(t.Context(), "stop", nil); err != nil {
		t.Error(err)
	}
	if err := m.execute(t.Context(), "start", nil); err == nil || !strings.Contains(err.Error(), `"start": no such thing`) {
		t.Errorf("error %v", err)
	}
}

func TestMigrate(t *testing.T) {
	ok, event := `{"return": {}}`, func(status string) string {
		return `{"event": "MIGRATION", "data": {"status": "` + status + `"}}`
	}
	for _, tt := range []struct{ status, want string }{{"completed", ""}, {"failed", "QEMU says it failed"}} {
		state, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		m := fakeQEMU(t, ok, ok, ok, event("active")+ok+event(tt.status))
		if err := m.migrate(t.Context(), "migrate", state); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.status, err)
		}
	}
}

func TestMonitorIsBounded(t *testing.T) {
	m := fakeQEMU(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := m.execute(ctx, "stop", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
