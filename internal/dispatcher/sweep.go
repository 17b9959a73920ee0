package dispatcher

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// sweep counts what is kept, and deletes files that no row names and none can
// come to name: what a crash or a damaged database has left.
func (k *collector) sweep(ctx context.Context) error {
	seq, err := ask(ctx, k.Dispatcher, func(c *core, reply func(int64, error)) { reply(c.census()) })
	if err != nil {
		return fmt.Errorf("cannot count what is kept: %w", err)
	}
	defer k.outputs.kept.abandon()
	kept, err := k.store.CountKept(ctx, seq)
	if err != nil {
		return fmt.Errorf("cannot count what is kept: %w", err)
	}
	k.kept.Add(kept)
	if k.gone, err = k.store.Forgotten(ctx); err != nil {
		return fmt.Errorf("cannot find what was forgotten: %w", err)
	}
	k.inputFrom = 0
	if err := count(&k.outputs.kept, func(add func(string, int64)) error { return k.sweepOutputs(ctx, add) }); err != nil {
		return fmt.Errorf("cannot look through outputs: %w", err)
	}
	k.blobs.kept.begin()
	if err := count(&k.blobs.kept, func(add func(string, int64)) error { return k.sweepBlobs(ctx, add) }); err != nil {
		return fmt.Errorf("cannot look through inputs: %w", err)
	}
	k.sweptAt = time.Now()
	return nil
}

// census begins the counts of tasks that are over and of their outputs: from now on
// the core counts those that come to it. It says which transition was the latest.
func (c *core) census() (seq int64, err error) {
	if c.err == nil {
		c.err = c.commit(context.Background())
	}
	if c.err != nil {
		return 0, c.err
	}
	var unfinished []string // outputs, of which an earlier process may have written some
	for _, j := range c.jobs {
		for _, t := range j.live {
			if t.Attempt > 0 {
				unfinished = append(unfinished, c.outputs.name(t.Current()))
			}
		}
	}
	c.outputs.kept.begin(unfinished...)
	c.collector.kept.Store(0)
	return c.seq, nil
}

// count sets a tally right by what walk finds. Its count has begun.
func count(t *tally, walk func(add func(name string, size int64)) error) error {
	found := int64(0)
	err := walk(func(name string, size int64) {
		if t.counts(name) {
			found += size
		}
	})
	if err != nil {
		t.abandon()
		return err
	}
	t.end(found)
	return nil
}

func (k *collector) sweepOutputs(ctx context.Context, add func(string, int64)) error {
	return each(k.outputs.dir, func(name string) error {
		job, ok := parseJob(name)
		if !ok {
			return nil // not ours
		}
		return k.step(ctx, func() error { return k.sweepJob(ctx, job, add) })
	})
}

// sweepJob looks at the output files of one job. Attempts of one that is over may
// still have something to say, for a day.
func (k *collector) sweepJob(ctx context.Context, job octaskly.JobID, add func(string, int64)) error {
	fate, _, err := k.store.Fate(ctx, job)
	if err != nil {
		return err
	}
	if fate == store.Removed {
		return k.drop(ctx, job)
	}
	named, err := k.named(ctx, job, fate)
	if err != nil {
		return err
	}
	return each(filepath.Join(k.outputs.dir, job.String()), func(name string) error {
		id, ok := parseOutput(job, name)
		info, there := k.outputs.written(id)
		if !ok || !there {
			return nil // not ours, being written, or gone by now
		}
		if fate == store.Over && !named[id] && time.Since(info.ModTime()) > spareUnread {
			_, err := k.outputs.discard(id)
			return err
		}
		add(k.outputs.name(id), info.Size())
		return nil
	})
}

// named are the attempts of a job that is over whose output is in files.
func (k *collector) named(ctx context.Context, job octaskly.JobID, fate store.Fate) (map[octaskly.AttemptID]bool, error) {
	if fate != store.Over {
		return nil, nil
	}
	ids, err := k.store.Files(ctx, job)
	named := make(map[octaskly.AttemptID]bool, len(ids))
	for _, id := range ids {
		named[id] = true
	}
	return named, err
}

func (k *collector) sweepBlobs(ctx context.Context, add func(string, int64)) error {
	return each(k.blobs.dir, func(name string) error {
		return k.step(ctx, func() error {
			if strings.HasPrefix(name, ".") {
				return nil // it is being uploaded
			}
			if err := k.dropUnread(ctx, octaskly.Blob(name)); err != nil {
				return err
			}
			if info, ok := k.blobs.stored(name); ok {
				add(name, info.Size())
			}
			return nil
		})
	})
}
