package main

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// at is a listener that only says where.
type at struct {
	net.Listener
	host string
}

func (l at) Addr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(l.host), Port: 3000} }

func TestWarnUnboxed(t *testing.T) {
	for name, test := range map[string]struct {
		rest      *restDoor
		level     octaskly.Level
		installed bool
		warns     bool
	}{
		"every address": {&restDoor{ln: at{host: "::"}}, octaskly.LevelNone, false, true},
		"one address":   {&restDoor{ln: at{host: "192.0.2.1"}}, octaskly.LevelNone, false, true},
		"loopback":      {&restDoor{ln: at{host: "127.0.0.1"}}, octaskly.LevelNone, false, false},
		"loopback of 6": {&restDoor{ln: at{host: "::1"}}, octaskly.LevelNone, false, false},
		"no door":       {nil, octaskly.LevelNone, false, false},
		"boxed":         {&restDoor{ln: at{host: "::"}}, octaskly.LevelBasic, false, false},
		"installed":     {&restDoor{ln: at{host: "::"}}, octaskly.LevelNone, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			warnUnboxed(slog.New(slog.NewTextHandler(&said, nil)), test.rest, test.level, test.installed)
			if warned := strings.Contains(said.String(), "level=WARN") && strings.Contains(said.String(), "set sandbox, and sandbox_floor"); warned != test.warns {
				t.Errorf("it says %q", said.String())
			}
		})
	}
}
