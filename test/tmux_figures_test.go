package test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

func printed[T any](t *testing.T, c *cluster.Cluster, words ...string) (document T) {
	t.Helper()
	if err := json.Unmarshal([]byte(must(t, c, append(words, "-o", "json")...)), &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// row is the line of the screen that begins with a word, its gaps as one space.
func row(t *testing.T, screen, first string) string {
	t.Helper()
	for line := range strings.Lines(screen) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == first {
			return " " + strings.Join(words, " ") + " "
		}
	}
	t.Errorf("no line begins with %s:\n%s", first, screen)
	return ""
}

// Every figure on the screen is that of -o json, of a run that is real and stands still.
func TestTopShowsTheFiguresOfJSON(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	must(t, c, "run", "--", "true")
	c.Ctl(timeout(t), "run", "--name", "seven", "--", "sh", "-c", "exit 7")
	c.Ctl(timeout(t), "run", "--array", "0-19", "--shell", "exit $((OCTASKLY_ARRAY_INDEX % 2))")
	c.Ctl(timeout(t), "run", "--timeout", "50ms", "--", "sleep", "60")
	must(t, c, "submit", "--array", "0-99", "--", "sleep", "600")
	must(t, c, "cancel", "5.50-99")
	awaitSuccess(t, func() bool {
		s := printed[api.Stats](t, c, "stats")
		return s.Tasks["running"] == int64(s.Slots)
	})
	stats := printed[api.Stats](t, c, "stats")
	m := newTmux(t, c, 140, 30)
	m.line("clear; octasklyctl top; exit")

	screen := m.shows("1 Workers", "w1", fmt.Sprint("queued ", stats.Tasks["queued"]))
	sums := row(t, screen, "queued")
	for _, s := range octaskly.States {
		if n := stats.Tasks[s.String()]; n > 0 && !strings.Contains(sums, fmt.Sprintf(" %v %d ", s, n)) {
			t.Errorf("%d %v are shown as %s", n, s, sums)
		}
	}
	if want := fmt.Sprintf(" slots %d/%d workers %d ", stats.Busy, stats.Slots, stats.Workers); !strings.Contains(sums, want) {
		t.Errorf("not%sbut%s", want, sums)
	}
	for _, w := range printed[api.Workers](t, c, "worker", "ls").Workers {
		want := fmt.Sprintf(" %s %s %s %d/%d %d%% ", w.Name, w.State, w.Levels[len(w.Levels)-1], w.Running+w.Assigned, w.Slots, 100*(w.Running+w.Assigned)/w.Slots)
		if got := row(t, screen, w.Name); !strings.HasPrefix(got, want) || !strings.Contains(got, " "+w.Transport+" ") {
			t.Errorf("not%sbut%s", want, got)
		}
	}

	m.keys("2")
	_, screen, _ = strings.Cut(m.shows("seven"), "\n") // without the tabs' names
	for _, j := range printed[api.Jobs](t, c, "ls").Tasks {
		got := row(t, screen, j.ID)
		wants := []string{fmt.Sprintf(" %s %v ", j.ID, j.State), " " + j.Owner + " "}
		if j.Array != "" {
			ended := j.Counts["completed"] + j.Counts["failed"] + j.Counts["timed_out"] + j.Counts["cancelled"]
			wants = append(wants, fmt.Sprintf(" %d/%d ", ended, j.Tasks))
		} else if j.Reason != "" {
			wants = append(wants, " "+string(j.Reason)+" ", " "+j.Worker+" ")
		}
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("not%sbut%s", want, got)
			}
		}
	}

	m.keys("3")
	events := allEvents(t, c)
	screen = m.shows(events[len(events)-1].Kind)
	lines := regexp.MustCompile(`(?m)^ \d\d:\d\d:\d\d .*$`).FindAllString(screen, -1)
	for i, line := range lines {
		e := events[len(events)-len(lines)+i]
		for _, want := range []string{e.At.Local().Format("15:04:05"), e.Kind, e.Task, e.Worker} {
			if !strings.Contains(line, want) {
				t.Errorf("%+v is shown as %s", e, line)
			}
		}
	}
	if len(lines) < 20 {
		t.Errorf("%d events are shown:\n%s", len(lines), screen)
	}
	m.keys("q")
}

// From afar it is the same, with what the user may see; a dispatcher that restarts is
// waited for.
func TestTopFromAfar(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true})
	ann := settle(t, c, "ann", "client")
	ann.must(t, "run", "--name", "anns", "--", "sh", "-c", "printf '\\033[32mgreen\\033[0m\\n'")
	must(t, c, "run", "--name", "roots", "--", "true")
	m := newTmux(t, c, 100, 24)
	m.line("clear; octasklyctl --context ann top; exit")
	m.shows("w1", "connected", " ann")
	m.keys("2")
	if screen := m.shows("anns"); strings.Contains(screen, "roots") {
		t.Errorf("ann sees what is not hers:\n%s", screen)
	}
	m.keys("Enter")
	m.shows("green", "output")
	check(t, c.Dispatcher.Kill())
	m.shows("not connected: ", "trying again in")
	check(t, c.Dispatcher.Start(timeout(t)))
	m.until("it is back", func(s string) bool {
		return strings.Contains(s, "completed 1") && !strings.Contains(s, "not connected")
	})
	m.keys("1", "d", "y") // which is for admins
	m.shows("cannot drain worker w1: ")
	m.keys("q")
}
