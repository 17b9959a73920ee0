package api

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// complaints is what net/http says. Whoever finds the port can make it complain of
// his handshake, as often as he likes, which is of no interest.
type complaints struct{ *slog.Logger }

func errorLog(to *slog.Logger) *log.Logger { return log.New(complaints{to}, "", 0) }

func (c complaints) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) || bytes.HasPrefix(line, []byte("http2: ")) {
		level = slog.LevelDebug
	}
	c.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}
