package api

import (
	"strings"
	"testing"
)

func TestParseSignal(t *testing.T) {
	for text, want := range map[string]Signal{"TERM": 15, "SIGTERM": 15, "sigusr1": 10, "kill": 9, "9": 9, "64": 64, "1": 1} {
		if got, err := ParseSignal(text); got != want || err != nil {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "65", "-9", "SIG", "SIGSIGTERM", "TERM ", "1.5", "SIGRTMIN+1"} {
		if got, err := ParseSignal(text); err == nil || !strings.HasPrefix(err.Error(), "cannot read signal ") {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}
