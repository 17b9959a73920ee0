package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/store"
)

// storeAlone writes jobs as the dispatcher would at its best.
func storeAlone(ctx context.Context, l *lab) (float64, error) {
	dir, err := os.MkdirTemp(l.dir, "store-")
	if err != nil {
		return 0, err
	}
	s, err := store.Open(ctx, filepath.Join(dir, "octaskly.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	defer s.Close()
	spec, err := protocol.EncodeSpec(&octaskly.Spec{Argv: []string{"true"}})
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for range restJobs / perCommit {
		if err := commitJobs(ctx, s, spec); err != nil {
			return 0, err
		}
	}
	return restJobs / time.Since(start).Seconds(), nil
}

func commitJobs(ctx context.Context, s *store.Store, spec []byte) error {
	c := &store.Changes{}
	for range perCommit {
		id, err := s.NextJobID()
		if err != nil {
			return err
		}
		now := time.Now().UTC()
		c.Jobs = append(c.Jobs, octaskly.Job{ID: id, Owner: "bench", SpecVersion: octaskly.SpecVersion, Spec: spec, Elements: octaskly.Span(0, 0), SubmittedAt: now})
		c.Progress = append(c.Progress, store.ProgressRow{Job: id, Progress: octaskly.Progress{Unclaimed: octaskly.Span(0, 0)}})
		c.Actions = append(c.Actions, octaskly.Action{At: now, Who: "bench", Role: octaskly.RoleClient, From: "127.0.0.1", What: "task.submit", Target: id.String(), Outcome: octaskly.Done})
		c.Seq++
	}
	return s.Commit(ctx, c)
}
