package systemd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// decode reads the journal's native protocol; fields of one name gather.
func decode(t rapid.TB, datagram []byte) map[string][]string {
	t.Helper()
	fields := map[string][]string{}
	for len(datagram) > 0 {
		line, rest, ended := bytes.Cut(datagram, []byte("\n"))
		name, value, plain := bytes.Cut(line, []byte("="))
		if !plain {
			size := binary.LittleEndian.Uint64(rest)
			value, rest = rest[8:8+size], rest[8+size:]
			rest, ended = bytes.CutPrefix(rest, []byte("\n"))
		}
		if !ended || len(name) == 0 || len(name) > maxName || strings.Trim(string(name), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			t.Fatalf("bad field %q", line)
		}
		fields[string(name)] = append(fields[string(name)], string(value))
		datagram = rest
	}
	return fields
}

// recorder takes what is sent to the journal.
type recorder struct {
	t         rapid.TB
	datagrams [][]byte
	fail      error
	stderr    strings.Builder
}

func (r *recorder) send(datagram []byte) error {
	if r.fail == nil {
		r.datagrams = append(r.datagrams, bytes.Clone(datagram))
	}
	return r.fail
}

func (r *recorder) journal(o JournalOptions) *slog.Logger {
	return slog.New(newJournal(o, r.send, &r.stderr))
}

// take returns what has been sent since it was last called.
func (r *recorder) take() (entries []map[string][]string) {
	r.t.Helper()
	for _, datagram := range r.datagrams {
		entries = append(entries, decode(r.t, datagram))
	}
	r.datagrams = nil
	return entries
}

func (r *recorder) messages() (messages []string) {
	r.t.Helper()
	for _, e := range r.take() {
		messages = append(messages, e["PRIORITY"][0]+" "+e["MESSAGE"][0])
	}
	return messages
}

type badText struct{ panics bool }

func (b *badText) MarshalText() ([]byte, error) {
	if b.panics {
		panic("ouch")
	}
	return nil, errors.New("cannot say")
}

func TestEntry(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 5e6, time.UTC)
	tests := []struct {
		name string
		log  func(*slog.Logger)
		want map[string][]string
	}{
		{"well-known keys", func(l *slog.Logger) {
			l.With(WorkerKey, "w1").Info("Task has ended", TaskKey, "42.7", JobKey, "42", EventKey, "ended")
		}, map[string][]string{
			"PRIORITY": {"6"}, "MESSAGE": {"Task has ended worker=w1 task=42.7 job=42 event=ended"},
			"OCTASKLY_TASK": {"42.7"}, "OCTASKLY_JOB": {"42"}, "OCTASKLY_WORKER": {"w1"}, "OCTASKLY_EVENT": {"ended"}}},
		{"groups", func(l *slog.Logger) {
			l = l.With("a", 1).WithGroup("out").With("b", 2).WithGroup("").WithGroup("x")
			l.Warn("m", "c", 3, slog.Group("y", "d", 4, slog.Group("", "e", 5), slog.Group("empty")), slog.Attr{})
		}, map[string][]string{
			"PRIORITY": {"4"}, "MESSAGE": {"m a=1 out.b=2 out.x.c=3 out.x.y.d=4 out.x.y.e=5"},
			"OCTASKLY_A": {"1"}, "OCTASKLY_OUT_B": {"2"}, "OCTASKLY_OUT_X_C": {"3"}, "OCTASKLY_OUT_X_Y_D": {"4"}, "OCTASKLY_OUT_X_Y_E": {"5"}}},
		{"kinds", func(l *slog.Logger) {
			l.Error("m", "t", at, "d", time.Second, "e", errors.New("no room"), "n", nil, "raw", []byte("a b"), "bad", &badText{}, "worse", &badText{true})
		}, map[string][]string{
			"PRIORITY":   {"3"},
			"MESSAGE":    {`m t=2026-11-23T12:00:00.005Z d=1s e="no room" n=<nil> raw="a b" bad="!ERROR: cannot say" worse="!PANIC: ouch"`},
			"OCTASKLY_T": {"2026-11-23T12:00:00.005Z"}, "OCTASKLY_D": {"1s"}, "OCTASKLY_E": {"no room"}, "OCTASKLY_N": {"<nil>"},
			"OCTASKLY_RAW": {"a b"}, "OCTASKLY_BAD": {"!ERROR: cannot say"}, "OCTASKLY_WORSE": {"!PANIC: ouch"}}},
		{"lines and bytes", func(l *slog.Logger) {
			l.Info("two\nlines", "v", "a\nPRIORITY=0\n", "bin", "\x00\xff", "empty", "")
		}, map[string][]string{
			"PRIORITY": {"6"}, "MESSAGE": {"two\nlines v=\"a\\nPRIORITY=0\\n\" bin=\"\\x00\\xff\" empty=\"\""},
			"OCTASKLY_V": {"a\nPRIORITY=0\n"}, "OCTASKLY_BIN": {"\x00\xff"}, "OCTASKLY_EMPTY": {""}}},
		{"names", func(l *slog.Logger) {
			l.Debug("m", "max-rss ä", 1, strings.Repeat("k", 100), 2)
		}, map[string][]string{
			"PRIORITY": {"7"}, "MESSAGE": {`m "max-rss ä"=1 ` + strings.Repeat("k", 100) + "=2"},
			"OCTASKLY_MAX_RSS___": {"1"}, "OCTASKLY_" + strings.Repeat("K", 55): {"2"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := &recorder{t: t}
			test.log(r.journal(JournalOptions{Level: slog.LevelDebug}))
			test.want["SYSLOG_IDENTIFIER"] = []string{"systemd.test"}
			if diff := cmp.Diff([]map[string][]string{test.want}, r.take()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// With shares nothing that two loggers could write over.
func TestWithSharesNothing(t *testing.T) {
	r := &recorder{t: t}
	base := r.journal(JournalOptions{}).With("a", 1)
	left, right := base.With("b", "left"), base.With("b", "right")
	left.Info("m")
	right.Info("m")
	base.Info("m")
	if diff := cmp.Diff([]string{"6 m a=1 b=left", "6 m a=1 b=right", "6 m a=1"}, r.messages()); diff != "" {
		t.Error(diff)
	}
}

// text draws a string without DEL, which slog does not quote and journalctl
// does not print.
func text(least int) *rapid.Generator[string] {
	return rapid.StringN(least, -1, -1).Filter(func(s string) bool { return !strings.Contains(s, "\x7f") })
}

// attrs draws attributes, with groups down to depth.
func attrs(depth int) *rapid.Generator[[]any] {
	return rapid.Custom(func(t *rapid.T) (args []any) {
		for range rapid.IntRange(0, 4).Draw(t, "count") {
			key := text(1).Draw(t, "key")
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				args = append(args, slog.Int64(key, rapid.Int64().Draw(t, "int")))
			case 1:
				args = append(args, slog.String(key, text(0).Draw(t, "string")))
			case 2:
				args = append(args, slog.String(key, strings.ReplaceAll(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")), "\x7f", "")))
			case 3:
				args = append(args, slog.Any(key, errors.New(text(0).Draw(t, "error"))))
			case 4:
				if depth > 0 {
					args = append(args, slog.Group(key, attrs(depth-1).Draw(t, "group")...))
				}
			}
		}
		return args
	})
}

// The message reads as slog's text handler would have written it.
func TestMessageIsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		with, group := attrs(2).Draw(t, "with"), text(0).Draw(t, "group")
		own := attrs(2).Draw(t, "own")
		say := func(l *slog.Logger) { l.With(with...).WithGroup(group).Info("m", own...) }

		r := &recorder{t: t}
		say(r.journal(JournalOptions{}))
		var out strings.Builder
		say(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if _, isLevel := a.Value.Any().(slog.Level); isLevel || a.Value.Kind() == slog.KindTime {
				return slog.Attr{}
			}
			return a
		}})))
		got := r.take()[0]["MESSAGE"][0]
		want := strings.TrimPrefix(strings.TrimSuffix(out.String(), "\n"), "msg=")
		if len(want) < maxValue && got != want {
			t.Fatalf("%q, text is %q", got, want)
		}
	})
}

func TestBounds(t *testing.T) {
	r := &recorder{t: t}
	var args []any
	for i := range 2000 {
		args = append(args, slog.String(fmt.Sprint("k", i), strings.Repeat("ä", maxValue)))
	}
	r.journal(JournalOptions{}).Info(strings.Repeat("ö\n", maxValue), args...)
	if n := len(r.datagrams[0]); n > maxEntry+2*maxValue {
		t.Errorf("%d bytes", n)
	}
	for name, values := range r.take()[0] {
		if v := values[0]; len(v) > maxValue || !utf8.ValidString(v) {
			t.Errorf("%s has %d bytes, ending in %q", name, len(v), v[len(v)-4:])
		}
	}

	args = nil
	for i := range 2000 {
		args = append(args, slog.Int(fmt.Sprint("k", i), i))
	}
	r.journal(JournalOptions{}).With(args[:100]...).Info("m", args...)
	total := 0
	for _, values := range r.take()[0] {
		total += len(values)
	}
	if want := maxFields + len([]string{"PRIORITY", "MESSAGE", "SYSLOG_IDENTIFIER"}); total != want {
		t.Errorf("%d fields, want %d", total, want)
	}
}

func TestLevels(t *testing.T) {
	levels := []slog.Level{slog.LevelDebug, LevelTask - 1, LevelTask, LevelTask + 1, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	tests := []struct {
		least slog.Leveler
		want  string
	}{
		{nil, "[false false true false true true true]"},
		{slog.LevelDebug, "[true true true true true true true]"},
		{slog.LevelInfo, "[false false true false true true true]"},
		{slog.LevelWarn, "[false false false false false true true]"},
	}
	for _, test := range tests {
		r := &recorder{t: t}
		log := r.journal(JournalOptions{Level: test.least})
		var got []bool
		for _, level := range levels {
			got = append(got, log.Enabled(t.Context(), level))
		}
		if diff := cmp.Diff(test.want, fmt.Sprint(got)); diff != "" {
			t.Errorf("at %v: %s", test.least, diff)
		}
	}
}

const muted = "events of tasks were not logged; octasklyctl show tells each task's story"

func TestEventsOfTasksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t}
		log := r.journal(JournalOptions{TaskBurst: 3, TaskRate: 2})
		// try logs n events as a hot path does, and says what came of it.
		try := func(n int) []string {
			for range n {
				if log.Enabled(t.Context(), LevelTask) {
					log.Log(t.Context(), LevelTask, "t")
				}
			}
			return r.messages()
		}
		expect := func(what string, got []string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(what, diff)
			}
		}
		expect("burst", try(10), "6 t", "6 t", "6 t")
		time.Sleep(500 * time.Millisecond)
		expect("one more, and no note so soon", try(2), "6 t")
		time.Sleep(500 * time.Millisecond)
		expect("one more and the note", try(3), "6 t", "6 8 "+muted)
		log.Warn("w")
		expect("a note with others at once", r.messages(), "4 w", "6 2 "+muted)
		time.Sleep(time.Hour)
		expect("full again", try(4), "6 t", "6 t", "6 t")
		log.Handler().Handle(t.Context(), slog.Record{Level: LevelTask, Message: "t"})
		log.Warn("w")
		expect("those who do not ask count as well", r.messages(), "4 w", "6 2 "+muted)
	})
}

func TestNoJournalGoesToStandardError(t *testing.T) {
	r := &recorder{t: t, fail: errors.New("no such socket")}
	log := r.journal(JournalOptions{Level: slog.LevelDebug}).With("a", 1)
	log.Debug("d")
	log.Info("two\nlines", "b", "x y")
	log.Error("e")
	if diff := cmp.Diff("<7>d a=1\n<6>two lines a=1 b=\"x y\"\n<3>e a=1\n", r.stderr.String()); diff != "" {
		t.Error(diff)
	}
}

func TestBusyJournalIsToldAbout(t *testing.T) {
	r := &recorder{t: t, fail: errBusy}
	log := r.journal(JournalOptions{}).With("a", 1)
	for range 3 {
		log.Info("lost")
	}
	r.fail = nil
	log.Info("back")
	if diff := cmp.Diff([]string{"6 back a=1", "4 3 records were lost: the journal did not take them in time"}, r.messages()); diff != "" {
		t.Error(diff)
	}
	if r.stderr.Len() > 0 {
		t.Errorf("standard error has %q", r.stderr.String())
	}
}

// A note that gets lost itself is told later.
func TestLostNote(t *testing.T) {
	r := &recorder{t: t}
	answers := []error{errBusy, nil, errBusy, nil, nil} // lost, back, its note, again, its note
	log := slog.New(newJournal(JournalOptions{}, func(datagram []byte) error {
		r.fail, answers = answers[0], answers[1:]
		return r.send(datagram)
	}, &r.stderr))
	log.Info("lost")
	log.Info("back")
	log.Info("again")
	want := []string{"6 back", "6 again", "4 1 records were lost: the journal did not take them in time"}
	if diff := cmp.Diff(want, r.messages()); diff != "" {
		t.Error(diff)
	}
}
