package config

import (
	"bytes"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/dirs"
)

func TestCheck(t *testing.T) {
	configDir(t, "worker.toml", "slots = 1")
	t.Setenv("OCTASKLY_SOCKET", "/x")
	t.Setenv("OCTASKLY_CONTEXT", "x")
	t.Setenv("OCTASKLY_TASK_ID", "42.7")
	t.Setenv("OCTASKLY_LIMITS_LEASE", "1m") // of the other role
	t.Setenv("OCTASKLY_SLOT", "4")
	t.Setenv("OCTASKLY_COLOUR", "red")
	var talk bytes.Buffer
	if err := Check(&talk, dirs.Worker, Sources{}); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"OCTASKLY_SLOT: no variable of octaskly has this name; did you mean OCTASKLY_SLOTS?\n",
		"OCTASKLY_COLOUR: no variable of octaskly has this name\n",
	} {
		if !strings.Contains(talk.String(), want) {
			t.Errorf("%q lacks %q", talk.String(), want)
		}
	}
	if lines := strings.Count(talk.String(), "\n"); lines != 2 {
		t.Errorf("%d warnings: %q", lines, talk.String())
	}

	configDir(t, "worker.toml", "slots = 0")
	if err := Check(&talk, dirs.Worker, Sources{}); err == nil {
		t.Error("a bad file passes")
	}
}
