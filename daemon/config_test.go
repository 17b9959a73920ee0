package main

import (
	"bytes"
	"strings"
	"testing"
)

// Without a role nothing was checked, and a script is to know.
func TestConfigNeedsARole(t *testing.T) {
	for _, tt := range []struct{ words, says string }{
		{"config check", "octasklyd: error: config check lacks a role, as in: octasklyd config check dispatcher\n"},
		{"config show", "octasklyd: error: config show lacks a role, as in: octasklyd config show dispatcher\n"},
		{"config check foo", "octasklyd: error: unknown role \"foo\": want dispatcher, worker or executor\n"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"octasklyd"}, strings.Fields(tt.words)...), &stdout, &stderr)
		if code != exitUsage || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), tt.says) {
			t.Errorf("%s: %d, %q, %q", tt.words, code, stdout.String(), stderr.String())
		}
	}
}
