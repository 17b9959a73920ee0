package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const sampleShort = 200 * time.Millisecond

func newTestLab(t *testing.T) *lab {
	t.Helper()
	l, err := newLab(&options{rounds: 3, tasks: 5, samples: 2, procs: 2, dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// script makes a probe of one row. Each turn it gives the next figure, or the
// error instead, or for nil neither.
func script(name string, taken *[]string, figures ...any) probe {
	turn := 0
	return probe{
		name: name,
		rows: []row{{name: name, unit: rate, aims: []aim{atLeast(0.75, floorRow), atMost(100)}}},
		measure: func(context.Context, *lab) ([]float64, error) {
			*taken = append(*taken, name)
			turn++
			switch f := figures[turn-1].(type) {
			case float64:
				return []float64{f}, nil
			case error:
				return nil, f
			}
			return nil, nil // no figure for the row
		},
	}
}

func TestRounds(t *testing.T) {
	l := newTestLab(t)
	r := newResults(l, &options{rounds: 3, tasks: 5})
	var taken []string
	var stderr, stdout bytes.Buffer
	err := r.measure(t.Context(), l, []probe{
		script(floorRow, &taken, 100.0, 200.0, 400.0),
		script("good", &taken, 80.0, 140.0, 280.0),
		script("bad", &taken, 50.0, errors.New("it is broken")),
		script("short", &taken, nil),
	}, &stderr)

	if want := "floor good bad short good bad floor floor good"; strings.Join(taken, " ") != want {
		t.Errorf("order is %v, want %s", taken, want)
	}
	if err == nil || !strings.Contains(err.Error(), "[bad short]") {
		t.Errorf("error is %v", err)
	}
	if !strings.Contains(stderr.String(), "bad: it is broken") {
		t.Errorf("stderr is %s", stderr.String())
	}
	if err := r.write(&stdout); err != nil {
		t.Fatal(err)
	}
	table := strings.Join(strings.Fields(stdout.String()), " ")
	for _, want := range []string{
		"good 140 /s 80.0 … 280 0.70",
		"bad 50.0 /s",
		"short none",
		"good ≥ 0.75 × floor 0.70 missed by 6.7 %",
		"bad ≤ 100 /s 50.0 met",
		"good ≤ 100 /s 140 missed by 40.0 %",
		"floor ≥ 0.75 × floor 1.00 met",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the report does not say %q:\n%s", want, stdout.String())
		}
	}
}

func TestRoundsEndWithContext(t *testing.T) {
	l := newTestLab(t)
	r := newResults(l, &options{rounds: 3, tasks: 5})
	ctx, cancel := context.WithCancelCause(t.Context())
	var taken []string
	stop := script("stop", &taken, 1.0)
	stop.measure = func(context.Context, *lab) ([]float64, error) {
		cancel(errors.New("enough"))
		return nil, ctx.Err()
	}
	err := r.measure(ctx, l, []probe{stop, script("never", &taken, 1.0)}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "enough") || len(taken) != 0 {
		t.Errorf("error is %v, and these were taken: %v", err, taken)
	}
}

func TestBusyMachine(t *testing.T) {
	for others, want := range map[float64]bool{3: false, 42: true} {
		r := results{figures: map[string][]float64{othersRow: {others}}}
		var stdout bytes.Buffer
		if err := r.write(&stdout); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(stdout.String(), "busy"); got != want {
			t.Errorf("others have %v %%: busy is %v", others, got)
		}
	}
}

func TestProbes(t *testing.T) {
	rows := map[string]bool{}
	var aims []aim
	for _, make := range all {
		for _, row := range make(&lab{procs: 2}).rows {
			if rows[row.name] {
				t.Errorf("there are two rows %q", row.name)
			}
			rows[row.name] = true
			aims = append(aims, row.aims...)
		}
	}
	for _, name := range []string{floorRow, floorTimeRow, xargsRow, othersRow} {
		if !rows[name] {
			t.Errorf("there is no row %q", name)
		}
	}
	if unknown := slices.IndexFunc(aims, func(a aim) bool { return a.than != "" && !rows[a.than] }); unknown >= 0 {
		t.Errorf("there is no row for aim %+v", aims[unknown])
	}
}
