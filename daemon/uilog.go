package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/octaskly/octaskly/internal/tui"
)

// maxLogFile is how long the file of a screen's log may become, and the one before.
const maxLogFile = 16 << 20

// logFile is a log in a file. What is written before it is open is lost.
type logFile struct {
	mu   sync.Mutex
	file *os.File
	size int64
}

func (l *logFile) open(path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("cannot log to a file while the screen is in use: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("cannot log to %q: %w", path, err), file.Close())
	}
	l.file, l.size = file, info.Size()
	return nil
}

func (l *logFile) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return len(line), nil
	}
	if l.size+int64(len(line)) > maxLogFile {
		l.begin()
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	return n, err
}

// begin sets the file aside, in place of the one before. Where that fails, it grows.
func (l *logFile) begin() {
	path := l.file.Name()
	if err := os.Rename(path, path+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	l.file.Close()
	l.file, l.size = file, 0
}

// path is empty before the file is open.
func (l *logFile) path() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return ""
	}
	return l.file.Name()
}

func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// logLines is a log for the tab Logs. A screen that is slow misses lines, which the
// file has.
type logLines struct{ to chan tui.Line }

func newLogLines() *logLines { return &logLines{make(chan tui.Line, 256)} }

// beside is a log that goes where another goes, too.
func (l *logLines) beside(log *slog.Logger, level slog.Leveler) *slog.Logger {
	text := new(strings.Builder)
	plain := slog.NewTextHandler(text, &slog.HandlerOptions{Level: level, ReplaceAttr: onlyText})
	return slog.New(slog.NewMultiHandler(log.Handler(), &lineHandler{plain, new(sync.Mutex), text, l.to}))
}

// onlyText leaves out what a line has a place of its own for.
func onlyText(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return slog.Attr{}
	}
	return a
}

// lineHandler makes lines of what a handler writes to text.
type lineHandler struct {
	slog.Handler
	mu   *sync.Mutex
	text *strings.Builder
	to   chan<- tui.Line
}

func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text.Reset()
	if err := h.Handler.Handle(ctx, r); err != nil {
		return err
	}
	select {
	case h.to <- tui.Line{At: r.Time, Level: levelName(r.Level), Text: strings.TrimSpace(h.text.String())}:
	default:
	}
	return nil
}

func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.Handler = h.Handler.WithAttrs(attrs)
	return &with
}

func (h *lineHandler) WithGroup(name string) slog.Handler {
	with := *h
	with.Handler = h.Handler.WithGroup(name)
	return &with
}

func levelName(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "error"
	case level >= slog.LevelWarn:
		return "warning"
	case level >= slog.LevelInfo:
		return "info"
	}
	return "debug"
}
