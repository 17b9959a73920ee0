package systemd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// journalHandler is a journalWriter with what With and WithGroup gave it.
type journalHandler struct {
	*journalWriter
	given entry
	group string // open groups: "", "g.", "g.h."
}

// journalWriter is what all handlers of one journal share.
type journalWriter struct {
	level  slog.Leveler
	send   func(datagram []byte) error
	stderr io.Writer
	began  time.Time
	plain  *journalHandler // without attributes
	tasks  *bucket
	muted  tally // records at LevelTask for which there was no token
	lost   tally // records that a busy journal did not take
}

func (w *journalWriter) now() time.Duration { return time.Since(w.began) }

func (w *journalWriter) Enabled(_ context.Context, level slog.Level) bool {
	least := w.level.Level()
	if level != LevelTask {
		return level >= least
	}
	if least > slog.LevelInfo {
		return false
	}
	now := w.now()
	if w.tasks.ready(now) {
		return true
	}
	w.muted.add(1, now)
	return false
}

func (h *journalHandler) Handle(_ context.Context, r slog.Record) error {
	now := h.now()
	if r.Level == LevelTask && !h.tasks.take(now) {
		h.muted.add(1, now)
		return nil
	}
	err := h.write(r)
	if errors.Is(err, errBusy) {
		h.lost.add(1, h.now())
	}
	if err == nil {
		h.confess(r.Level, now)
	}
	return err
}

// entries are reused, with what they have allocated.
var entries = sync.Pool{New: func() any { return new(entry) }}

// write makes an entry of r and sends it.
func (h *journalHandler) write(r slog.Record) error {
	e := entries.Get().(*entry)
	defer entries.Put(e)
	e.begin(r.Message, &h.given)
	r.Attrs(func(a slog.Attr) bool {
		e.attr(h.group, a)
		return true
	})
	e.text = cut(e.text, maxValue)
	e.fields = append(e.fields, "PRIORITY="...)
	e.fields = append(e.fields, priority(r.Level), '\n')
	e.fields = append(e.fields, "MESSAGE"...)
	e.fields = appendFieldValue(e.fields, e.text)
	return h.deliver(r.Level, e)
}

// deliver sends an entry, or what of it a person reads to standard error if there
// is no journal; the journal's streams know <priority>, too (sd-daemon(3)).
func (w *journalWriter) deliver(level slog.Level, e *entry) error {
	err := w.send(e.fields)
	if err == nil || errors.Is(err, errBusy) {
		return err
	}
	line := strings.ReplaceAll(string(e.text), "\n", " ")
	_, err = fmt.Fprintf(w.stderr, "<%c>%s\n", priority(level), line)
	return err
}

// confess says what was not logged. Between records at LevelTask it does so once
// a second at most.
func (w *journalWriter) confess(level slog.Level, now time.Duration) {
	age := time.Duration(0)
	if level == LevelTask {
		age = time.Second
	}
	if n := w.muted.claim(now, age); n > 0 {
		w.note(&w.muted, n, slog.LevelInfo, "%d events of tasks were not logged; octasklyctl show tells each task's story")
	}
	if n := w.lost.claim(now, age); n > 0 {
		w.note(&w.lost, n, slog.LevelWarn, "%d records were lost: the journal did not take them in time")
	}
}

func (w *journalWriter) note(t *tally, n int64, level slog.Level, format string) {
	err := w.plain.write(slog.NewRecord(time.Time{}, level, fmt.Sprintf(format, n), 0))
	if err != nil {
		t.add(n, w.now())
	}
}

// priority is the journal's word for a level (syslog(3)).
func priority(level slog.Level) byte {
	switch {
	case level >= slog.LevelError:
		return '3'
	case level >= slog.LevelWarn:
		return '4'
	case level >= LevelTask:
		return '6'
	}
	return '7'
}

func (h *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.given = entry{}
	with.given.begin("", &h.given)
	for _, a := range attrs {
		with.given.attr(h.group, a)
	}
	return &with
}

func (h *journalHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.group += name + "."
	return &with
}
