package main

import (
	"bytes"
	"encoding/json"
	"os"
	"time"

	"github.com/octaskly/octaskly/internal/api"
)

// recording is what the picture shows.
type recording struct {
	Samples []sample    // of the last minutes
	Jobs    []api.Job   // as listed at the end
	Task    *api.Detail // the one that is looked at
	Output  string      // of it
}

// sample is what was known at a time.
type sample struct {
	At      time.Time
	Stats   *api.Stats
	Workers []api.Worker
}

// write makes a file in which the directory dir is the root.
func (r *recording) write(path, dir string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(bytes.ReplaceAll(text, []byte(dir), nil), '\n'), 0o644)
}
