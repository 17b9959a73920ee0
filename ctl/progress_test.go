package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"pgregory.net/rapid"
)

func TestProgressLine(t *testing.T) {
	for _, tt := range []struct {
		tally tally
		rate  float64
		want  string
	}{
		{tally{total: 1000}, 0, "0/1000 0%"},
		{tally{total: 1000, ended: 340, failed: 3, running: 12}, 85.4, "340/1000 34%, 3 failed, 12 running, 85/s, 8s left"},
		{tally{total: 1000, ended: 340, cancelled: 2}, 0, "340/1000 34%, 2 cancelled"},
		{tally{total: 10, ended: 1}, 0.125, "1/10 10%, 0.1/s, 1m12s left"},
		{tally{total: 10_000_000, ended: 1}, 0.001, "1/10000000 0%, 0.0/s"},
		{tally{total: 3, ended: 3}, 2, "3/3 100%, 2.0/s, 0s left"},
	} {
		if got := progressLine(tt.tally, tt.rate); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.tally, got, tt.want)
		}
	}
}

func TestTallyOf(t *testing.T) {
	job := &api.Job{Tasks: 21, Counts: map[string]int64{
		"queued": 1, "assigned": 2, "running": 3, "completed": 4, "failed": 5, "timed_out": 1, "cancelled": 5,
	}}
	if got, want := tallyOf(job), (tally{total: 21, ended: 15, failed: 6, cancelled: 5, running: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := tallyOf(job).plus(tally{1, 2, 3, 4, 5}).minus(tally{1, 2, 3, 4, 5}); got != tallyOf(job) {
		t.Errorf("minus does not undo plus: %+v", got)
	}
}

// At a steady rate, the pace is that rate, however often it is observed.
func TestPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.IntRange(1, 1000).Draw(t, "rate")
		var p pace
		now, start := time.Unix(0, 0), time.Unix(0, 0)
		for range rapid.IntRange(2, 100).Draw(t, "looks") {
			now = now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "tenths")) * redrawEvery)
			got := p.observe(now, int64(now.Sub(start)/redrawEvery)*int64(rate))
			if want := float64(rate * 10); got != 0 && (got < want*0.99 || got > want*1.01) {
				t.Fatalf("after %v the pace is %v, want %v", now.Sub(start), got, want)
			}
		}
	})
}

func TestPaceForgets(t *testing.T) {
	var p pace
	now := time.Unix(0, 0)
	for range 100 { // ten seconds at 100/s
		now = now.Add(redrawEvery)
		p.observe(now, int64(now.UnixMilli()/10))
	}
	last := now.UnixMilli() / 10
	var rate float64
	for range 110 { // eleven at rest
		now = now.Add(redrawEvery)
		rate = p.observe(now, last)
	}
	if rate != 0 {
		t.Errorf("the pace is still %v", rate)
	}
}

// every calls do with 1, 2, 3, … until ctx ends.
func every(ctx context.Context, d time.Duration, do func(int64)) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for n := int64(1); ; n++ {
		select {
		case <-tick.C:
			do(n)
		case <-ctx.Done():
			return
		}
	}
}

// Elsewhere than on a terminal there are few lines, and not none.
func TestPlainLines(t *testing.T) {
	for _, tt := range []struct {
		name     string
		perTick  int64 // tasks in a tenth of a second, of 10,000
		duration time.Duration
		least    int
		most     int
	}{
		{"a second", 1000, time.Second, 0, 0},
		{"twenty seconds", 50, 20 * time.Second, 3, 4},
		{"an hour", 0, time.Hour, 50, 60},
		{"sixteen minutes", 1, 1000 * time.Second, 10, 20},
	} {
		synctest.Test(t, func(t *testing.T) {
			var lines []string
			p := &progress{note: func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }}
			ctx, cancel := context.WithTimeout(t.Context(), tt.duration)
			defer cancel()
			var fed sync.WaitGroup
			fed.Go(func() {
				every(ctx, redrawEvery, func(n int64) { p.update(tally{total: 10_000, ended: min(n*tt.perTick, 10_000)}) })
			})
			p.run(ctx)
			fed.Wait()
			if len(lines) < tt.least || len(lines) > tt.most {
				t.Errorf("%s: %d lines, want %d to %d: %q", tt.name, len(lines), tt.least, tt.most, lines)
			}
		})
	}
}

func TestProgressOfOneTaskIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &progress{note: func(string, ...any) { t.Error("it said something") }}
		p.update(tally{total: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		p.run(ctx)
	})
}

// A terminal gets at most ten lines a second, and none is left.
func TestRedrawnLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &progress{screen: &screen{err: &out, width: func() int { return 30 }}}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var fed sync.WaitGroup
		fed.Go(func() {
			every(ctx, time.Millisecond, func(n int64) { p.update(tally{total: 100_000, ended: n, running: 12}) })
		})
		p.run(ctx)
		fed.Wait()
		text := out.String()
		if n := strings.Count(text, clearLine); n < 10 || n > 21 {
			t.Errorf("%d lines in two seconds", n)
		}
		if !strings.HasSuffix(text, clearLine) {
			t.Errorf("the line is left: %q", text)
		}
		for line := range strings.SplitSeq(text, clearLine) {
			if columns(line) >= 30 {
				t.Errorf("%q would wrap", line)
			}
		}
	})
}

func TestScreenGivesWay(t *testing.T) {
	var out bytes.Buffer
	s := &screen{err: &out, width: func() int { return 80 }}
	w := s.through(&out)
	steps := []struct {
		do   func()
		want string
	}{
		{func() { s.draw("1/9") }, clearLine + "1/9"},
		{func() { s.draw("1/9") }, ""},
		{func() { io.WriteString(w, "begun") }, clearLine + "begun"},
		{func() { s.draw("2/9") }, ""}, // or it would overwrite the line that is begun
		{func() { io.WriteString(w, " ended\n") }, " ended\n"},
		{func() { s.draw("2/9") }, clearLine + "2/9"},
		{func() { io.WriteString(w, "more\n") }, clearLine + "more\n"},
		{func() { s.draw("") }, ""},
		{func() { s.draw("3/9") }, clearLine + "3/9"},
		{func() { s.draw("") }, clearLine},
	}
	for i, step := range steps {
		out.Reset()
		if step.do(); out.String() != step.want {
			t.Errorf("step %d writes %q, want %q", i, out.String(), step.want)
		}
	}
}

func TestScreenIsForManyGoroutines(t *testing.T) {
	var out bytes.Buffer
	s := &screen{err: &out, width: func() int { return 80 }}
	var group sync.WaitGroup
	for i := range 4 {
		w := s.through(&out)
		group.Go(func() {
			for n := range 50 {
				s.draw(fmt.Sprint(n))
				fmt.Fprintf(w, "line %d of %d\n", n, i)
			}
		})
	}
	group.Wait()
	if n := strings.Count(out.String(), "line "); n != 200 {
		t.Errorf("%d lines", n)
	}
}
