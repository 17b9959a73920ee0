package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// monitor speaks QMP to a QEMU, one command at a time:
// https://www.qemu.org/docs/master/interop/qmp-spec.html
type monitor struct {
	conn *net.UnixConn
	in   *json.Decoder
}

// command is what QEMU is told.
type command struct {
	Execute   string         `json:"execute"`
	Arguments map[string]any `json:"arguments,omitempty"` // null is an error
}

// reply is whatever QEMU says.
type reply struct {
	Return json.RawMessage
	Error  *struct{ Desc string }
	Event  string
	Data   struct{ Status string }
}

// openMonitor leaves negotiation.
func openMonitor(ctx context.Context, conn *net.UnixConn) (*monitor, error) {
	m := &monitor{conn: conn, in: json.NewDecoder(conn)}
	return m, m.execute(ctx, "qmp_capabilities", nil) // the greeting is like an event
}

// execute waits for a command's return. Events meanwhile are dropped.
func (m *monitor) execute(ctx context.Context, name string, arguments map[string]any, files ...*os.File) error {
	returned := func(r reply) (bool, error) { return r.Return != nil, nil }
	if err := m.ask(ctx, command{name, arguments}, returned, files...); err != nil {
		return fmt.Errorf("cannot execute %q: %w", name, err)
	}
	return nil
}

// migrate moves the machine's state to or from a file, by "migrate" or
// "migrate-incoming", and waits for the end.
func (m *monitor) migrate(ctx context.Context, name string, state *os.File) error {
	events := []map[string]any{{"capability": "events", "state": true}}
	if err := m.execute(ctx, "migrate-set-capabilities", map[string]any{"capabilities": events}); err != nil {
		return err
	}
	// The default is meant for networks: 128 MiB/s.
	if err := m.execute(ctx, "migrate-set-parameters", map[string]any{"max-bandwidth": int64(1) << 40}); err != nil {
		return err
	}
	if err := m.execute(ctx, "getfd", map[string]any{"fdname": "state"}, state); err != nil {
		return err
	}
	migrated := func(r reply) (bool, error) {
		if r.Event == "MIGRATION" && r.Data.Status == "failed" {
			return false, errors.New("QEMU says it failed")
		}
		return r.Event == "MIGRATION" && r.Data.Status == "completed", nil
	}
	if err := m.ask(ctx, command{name, map[string]any{"uri": "fd:state"}}, migrated); err != nil {
		return fmt.Errorf("cannot execute %q: %w", name, err)
	}
	return nil
}

// ask sends a command, with files, and reads until one reply is the answer.
func (m *monitor) ask(ctx context.Context, c command, answer func(reply) (bool, error), files ...*os.File) error {
	stop := context.AfterFunc(ctx, func() { _ = m.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	var rights []byte
	for _, file := range files {
		rights = append(rights, unix.UnixRights(int(file.Fd()))...)
	}
	_, _, err = m.conn.WriteMsgUnix(line, rights, nil)
	for done := false; err == nil && !done; {
		var r reply
		if err = m.in.Decode(&r); err == nil && r.Error != nil {
			err = errors.New(r.Error.Desc)
		} else if err == nil {
			done, err = answer(r)
		}
	}
	return errors.Join(err, context.Cause(ctx))
}
