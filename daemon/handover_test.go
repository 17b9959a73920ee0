package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/protocol"
)

// handedOver is a file as the program before leaves it.
func handedOver(t *testing.T, h any) *os.File {
	t.Helper()
	data, err := protocol.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "handover")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// What a program cannot take over it refuses in the rehearsal, when nothing is
// lost yet.
func TestRehearsal(t *testing.T) {
	good := &executor.Handover{Version: 1, Feature: "kill:cgroup"}
	for name, test := range map[string]struct {
		state string // of the program before; empty: it does not say
		h     any
		want  string
	}{
		"the same state directory":         {"/s", good, ""},
		"a program from before it said so": {"", good, ""},
		"another state directory":          {"/old", good, `state_dir is "/s" and was "/old"`},
		"a version of the future":          {"/s", &executor.Handover{Version: 99}, "version 99"},
		"something else":                   {"/s", "text", "cannot take over"},
	} {
		t.Setenv(handoverVar, rehearse)
		t.Setenv(stateVar, test.state)
		rehearsed, err := rehearsal(handedOver(t, test.h), "/s")
		switch {
		case !rehearsed:
			t.Errorf("%s: it is no rehearsal", name)
		case test.want == "" && err != nil, test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: error %v, want …%s…", name, err, test.want)
		}
	}
	t.Setenv(handoverVar, "")
	if rehearsed, err := rehearsal(os.Stdin, "/s"); rehearsed || err != nil {
		t.Errorf("without being asked: %v, %v", rehearsed, err)
	}
}

func TestTakeOverOfNothing(t *testing.T) {
	for _, text := range []string{"", "garbage", "1"} {
		t.Setenv(handoverVar, text)
		if old, err := takeOver(); old != nil || (err == nil) != (text == "") {
			t.Errorf("%q: %v, %v", text, old, err)
		}
	}
}
