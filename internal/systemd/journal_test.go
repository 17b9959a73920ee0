package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestToJournal(t *testing.T) {
	var stderr unix.Stat_t
	if err := unix.Fstat(int(os.Stderr.Fd()), &stderr); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		stream string
		want   bool
	}{
		{"", false},
		{"nonsense", false},
		{fmt.Sprintf("%d:%d", stderr.Dev, stderr.Ino), true},
		{fmt.Sprintf("%d:%d", stderr.Dev, stderr.Ino+1), false},
	}
	for _, test := range tests {
		t.Setenv("JOURNAL_STREAM", test.stream)
		if got := ToJournal(); got != test.want {
			t.Errorf("%v with JOURNAL_STREAM=%s", got, test.stream)
		}
	}
}

func benchmark(b *testing.B, send func([]byte) error) {
	log := slog.New(newJournal(JournalOptions{TaskBurst: 1 << 30, TaskRate: 1e9}, send, os.Stderr)).With(WorkerKey, "w1")
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(context.Background(), LevelTask, "Task has ended",
			slog.String(TaskKey, "42.7"), slog.String(JobKey, "42"), slog.String(EventKey, "ended"), slog.Int("code", 3))
	}
}

func BenchmarkFormat(b *testing.B) { benchmark(b, func([]byte) error { return nil }) }

func BenchmarkSend(b *testing.B) {
	conn, j := fakeJournal(b, time.Minute)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1<<16)
		for {
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
	}()
	benchmark(b, j.send)
	conn.Close()
	<-done
}

func BenchmarkEnabled(b *testing.B) {
	for name, burst := range map[string]int{"yes": 1 << 30, "no": 1} {
		b.Run(name, func(b *testing.B) {
			log := slog.New(newJournal(JournalOptions{TaskBurst: burst, TaskRate: 1}, func([]byte) error { return nil }, os.Stderr))
			log.Log(context.Background(), LevelTask, "t")
			for b.Loop() {
				log.Enabled(context.Background(), LevelTask)
			}
		})
	}
}
