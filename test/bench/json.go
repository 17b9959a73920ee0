package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/octaskly/octaskly/test/bench/numbers"
)

type resultsJSON struct {
	Machine  string            `json:"machine"`
	Started  time.Time         `json:"started"`
	Tasks    int               `json:"tasks"`
	Rows     []rowJSON         `json:"rows"`
	Aims     []verdict         `json:"aims"`
	Failures map[string]string `json:"failures,omitempty"` // by probe
}

type rowJSON struct {
	Name    string    `json:"name"`
	About   string    `json:"about,omitempty"`
	Unit    string    `json:"unit"`
	Median  float64   `json:"median"`
	Figures []float64 `json:"figures"` // a round each
	ToFloor []float64 `json:"to_floor,omitempty"`
}

// writeJSON leaves out rows without figures.
func (r *results) writeJSON(path string) error {
	out := resultsJSON{
		Machine: r.machine, Started: r.started.UTC(), Tasks: r.tasks,
		Rows: []rowJSON{}, Aims: r.verdicts(), Failures: map[string]string{},
	}
	for _, row := range r.rows {
		if figures := r.figures[row.name]; len(figures) > 0 {
			out.Rows = append(out.Rows, rowJSON{
				Name: row.name, About: row.about, Unit: row.unit, Median: numbers.Median(figures), Figures: figures,
				ToFloor: numbers.Ratios(figures, r.figures[row.base()]),
			})
		}
	}
	for probe, err := range r.failures {
		out.Failures[probe] = err.Error()
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write figures: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
