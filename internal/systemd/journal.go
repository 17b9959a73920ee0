package systemd

import (
	"cmp"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

// LevelTask is the level of what happens to single tasks, between Debug and
// Info. Thousands of it a second are too much to read in a text, but in the
// journal `journalctl OCTASKLY_TASK=42` picks the story of one task out of it.
const LevelTask = slog.Level(-2)

// Keys of the attributes that people search the journal for. As every other
// attribute's, their fields have the same names in capitals behind OCTASKLY_.
const (
	TaskKey   = "task"   // OCTASKLY_TASK: 42, or 42.7 for element 7 of an array
	JobKey    = "job"    // OCTASKLY_JOB: 42
	WorkerKey = "worker" // OCTASKLY_WORKER: a worker's name
	EventKey  = "event"  // OCTASKLY_EVENT: what happened, in one word
)

// JournalOptions says what a Journal takes.
type JournalOptions struct {
	// Level is the least level that is logged. If nil, Info.
	Level slog.Leveler
	// TaskBurst is how many records at LevelTask may follow each other at once,
	// and TaskRate how many a second may do so for long. If 0, 5,000 and 200.
	TaskBurst, TaskRate int
}

// ToJournal says whether standard error goes to the journal (JOURNAL_STREAM), so
// that Journal serves better.
func ToJournal() bool {
	yes, err := journal.StderrIsJournalStream()
	return yes && err == nil
}

// Journal returns a handler that writes to journald.
//
// A record's MESSAGE is its message and attributes as slog's text handler would
// write them; every attribute is a field too, so that "task" becomes
// OCTASKLY_TASK and "size" in group "output" OCTASKLY_OUTPUT_SIZE. Values are
// bounded to 16 KiB, names to 64 bytes.
//
// LevelTask is shown, as PRIORITY info, wherever Info is, but not more of it
// than the options let through; one record then says how many are missing. On a
// hot path ask Enabled first, and once per record: it says no when nothing more
// may be logged, and counts that.
//
// When the journal is busy for a second, records are dropped and counted until
// it takes them again; when it cannot be reached, they go to standard error.
func Journal(o JournalOptions) slog.Handler {
	send := func([]byte) error { return errors.New("no socket") }
	if j, err := openJournald(journalSocket, sendTimeout); err == nil {
		send = j.send
	}
	return newJournal(o, send, os.Stderr)
}

func newJournal(o JournalOptions, send func(datagram []byte) error, stderr io.Writer) *journalHandler {
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	w := &journalWriter{
		level: o.Level, send: send, stderr: stderr, began: time.Now(),
		tasks: newBucket(cmp.Or(o.TaskBurst, 5000), cmp.Or(o.TaskRate, 200)),
	}
	var given entry
	given.fields = append(given.fields, "SYSLOG_IDENTIFIER"...)
	given.fields = appendFieldValue(given.fields, []byte(filepath.Base(os.Args[0])))
	w.plain = &journalHandler{w, given, ""}
	return w.plain
}
