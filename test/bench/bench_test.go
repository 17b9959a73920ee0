package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFloors runs what needs no daemons.
func TestFloors(t *testing.T) {
	dir := t.TempDir()
	figures := filepath.Join(dir, "figures.json")
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{
		"-run", "^(fdatasync|floor|go|xargs)$", "-rounds", "2", "-tasks", "20", "-dir", dir, "-json", figures,
	}, &stdout, &stderr)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	text, err := os.ReadFile(figures)
	if err != nil {
		t.Fatal(err)
	}
	var got resultsJSON
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	rates := map[string]bool{}
	for _, row := range got.Rows {
		if row.Unit != rate {
			continue
		}
		rates[row.Name] = true
		if row.Median < 10 || row.Median > 1e5 || len(row.Figures) != 2 || len(row.ToFloor) != 2 {
			t.Errorf("%+v is not plausible", row)
		}
		if !strings.Contains(stdout.String(), row.Name) {
			t.Errorf("the table does not have %s:\n%s", row.Name, stdout.String())
		}
	}
	if len(rates) != 3 {
		t.Errorf("there are rates of %v", rates)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("more is left than the figures: %v", left)
	}
}

func TestFloorsNeedSuccess(t *testing.T) {
	l := newTestLab(t)
	l.program = "/bin/false"
	for _, p := range selected(l, regexp.MustCompile("^(floor|go|xargs)$")) {
		if figures, err := p.measure(t.Context(), l); err == nil {
			t.Errorf("%s has figures of a command that fails: %v", p.name, figures)
		}
	}
}

func TestFloorsAreBounded(t *testing.T) {
	l := newTestLab(t)
	l.tasks = 1e9
	for _, p := range selected(l, regexp.MustCompile("^(floor|go)$")) {
		ctx, cancel := context.WithTimeout(t.Context(), sampleShort)
		if figures, err := p.measure(ctx, l); err == nil {
			t.Errorf("%s has run a billion commands: %v", p.name, figures)
		}
		cancel()
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"extra"}, {"-rounds", "0"}, {"-tasks", "-1"}, {"-unknown"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != 2 || stderr.Len() == 0 || stdout.Len() != 0 {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", args, code, stdout.String(), stderr.String())
		}
	}
}

func TestParseClock(t *testing.T) {
	got, err := parseClock("1700000000.000000123\n")
	if err != nil || got.UnixNano() != 1700000000000000123 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "1700000000\n", "1700000000.5\n", "x.000000001"} {
		if _, err := parseClock(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
