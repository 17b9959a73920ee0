package executor

import (
	"os"
	"path/filepath"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

// load takes over the ends that an earlier executor held, and removes outputs
// that belong to none, nor are in use.
func (x *Executor) load(inUse []string) error {
	j, ends, err := openJournal(x.path("ends.log"))
	if err != nil {
		return err
	}
	x.journal = j
	kept := map[string]bool{}
	for _, file := range inUse {
		kept[file] = true
	}
	var doubles []uint64
	for _, r := range ends {
		x.serial = max(x.serial, r.Serial)
		e := x.revive(r)
		if before := x.entries[e.ID]; before != nil {
			doubles = append(doubles, before.serial)
		}
		x.entries[e.ID] = e
		x.generation = e.Generation
		kept[r.File] = true
	}
	j.release(doubles)
	return x.removeStale(kept)
}

// revive makes an entry of a record. An output that cannot be read any more is
// missing; the end counts.
func (x *Executor) revive(r *record) *entry {
	e := &entry{
		Attempt:  &Attempt{ID: r.Finished.ID, Generation: r.Generation, Spec: &octaskly.Spec{}},
		serial:   r.Serial,
		phase:    ended,
		finished: *r.Finished,
	}
	e.startedAt = r.Finished.End.StartedAt
	var err error
	if r.File != "" {
		e.file = r.File
		e.output, err = spool.Open(x.path(r.File), spool.Options{})
	}
	if e.output == nil {
		e.output = spool.Create(spool.Options{Head: headOfOutput})
	}
	if err == nil && len(r.Finished.Output) > 0 {
		_, err = e.output.WriteFramed(r.Finished.Output)
	}
	if closeErr := e.output.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		x.log.Warn("output of an earlier attempt is lost", "attempt", e.ID.String(), "error", err)
	}
	return e
}

func (x *Executor) removeStale(kept map[string]bool) error {
	files, err := os.ReadDir(x.path("output"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if name := filepath.Join("output", file.Name()); !kept[name] {
			if err := os.Remove(x.path(name)); err != nil {
				return err
			}
		}
	}
	return nil
}
