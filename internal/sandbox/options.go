package sandbox

import (
	"fmt"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

var mountAttrs = map[string]uint32{
	"ro": unix.MOUNT_ATTR_RDONLY, "nosuid": unix.MOUNT_ATTR_NOSUID, "nodev": unix.MOUNT_ATTR_NODEV, "noexec": unix.MOUNT_ATTR_NOEXEC,
}

// compileMount reads an OCI mount; for binds becomes the kind of a bind mount.
func compileMount(m specs.Mount, forBinds plan.Kind) (plan.Op, error) {
	op := plan.Op{Target: m.Destination}
	switch m.Type {
	case "bind":
		op.Kind, op.Source = forBinds, m.Source
	case "tmpfs":
		op.Kind = plan.Tmpfs
	case "proc":
		op.Kind = plan.Proc
	default:
		return op, fmt.Errorf("cannot mount a %q", m.Type)
	}
	var data []string
	for _, option := range m.Options {
		attr, ok := mountAttrs[option]
		switch {
		case ok:
			op.Attr |= attr
		case m.Type != "bind":
			data = append(data, option)
		case option != "bind" && option != "rbind":
			return op, fmt.Errorf("cannot mount with option %q", option)
		}
	}
	if m.Type != "bind" {
		op.Source = strings.Join(data, ",")
	}
	return op, nil
}
