package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/systemd"
)

// TestLevels are those that readers of logs know.
func TestLevels(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log := slog.New(handler(&out, format, slog.LevelDebug))
		log.Log(t.Context(), systemd.LevelTask, "Task has ended", "level", slog.LevelWarn)
		log.Warn("Disk is full")
		text := strings.ReplaceAll(out.String(), `"`, "")
		if strings.Contains(text, "DEBUG+2") || strings.Count(text, "DEBUG") != 1 || strings.Count(text, "WARN") != 2 {
			t.Errorf("%s: %s", format, out.String())
		}
	}
}
