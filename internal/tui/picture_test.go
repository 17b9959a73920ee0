package tui

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
)

// recording is what test/docs writes of a real run.
type recording struct {
	Samples []struct {
		At      time.Time
		Stats   *api.Stats
		Workers []api.Worker
	}
	Jobs   []api.Job
	Task   *api.Detail // the one that is looked at
	Output string      // of it
}

func readRecording(t *testing.T) *recording {
	t.Helper()
	text, err := os.ReadFile("testdata/picture.json")
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{}
	if err := json.Unmarshal(text, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// recorded is a model that was told what a real run was like, on a screen of that
// size, with the task open that the recording looks at.
func recorded(r *recording, width, height int) *model {
	now := r.Samples[0].At
	m := newModel(Options{Where: "/run/octaskly/dispatcher.sock", Now: func() time.Time { return now }}, newGlyphs("UTF-8"))
	m.width, m.height = width, height
	for _, s := range r.Samples {
		now = s.At
		m.update(now, gotWorkers{s.Workers})
		m.update(now, gotStats{s.Stats})
	}
	m.update(now, keyPress("2"))
	m.update(now, gotJobs{m.wants().jobs, r.Jobs})
	for range r.Jobs {
		if m.update(now, keyPress("enter")); m.wants().task == r.Task.ID {
			break
		}
		m.update(now, keyPress("esc"))
		m.update(now, keyPress("down"))
	}
	m.update(now, gotDetail{r.Task.ID, r.Task})
	var lines []line
	written := &ansi{}
	written.write([]byte(r.Output), func(l line) { lines = append(lines, l) })
	m.update(now, gotOutput{of: m.wants().output, anew: true, lines: lines})
	return m
}

// The picture in docs is what is drawn now of the run that was recorded.
func TestPictureIsOfToday(t *testing.T) {
	defer func(was *time.Location) { time.Local = was }(time.Local)
	time.Local = time.UTC
	r := readRecording(t)
	frame := recorded(r, 112, 34).frame()
	if text := frame.String(); !strings.Contains(text, "task "+r.Task.ID) || !strings.Contains(text, "warning") {
		t.Errorf("the picture shows no output:\n%s", text)
	}
	drawn := svg(frame)
	const path = "../../docs/top.svg"
	if *update {
		if err := os.WriteFile(path, []byte(drawn), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != drawn {
		t.Errorf("docs/top.svg is another picture (%v): make docs draws it anew", err)
	}
}
