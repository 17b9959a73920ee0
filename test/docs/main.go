// Docs records a real run for the picture of octasklyctl top: `make docs`. It starts
// a dispatcher and three workers in a scratch directory, gives them work for two
// minutes, and writes down what the dispatcher tells of it. A test of internal/tui
// then draws that.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

const (
	recordFor = 2 * time.Minute
	file      = "internal/tui/testdata/picture.json"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := record(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func record(ctx context.Context) (err error) {
	defer cluster.Clean()
	c, err := cluster.New(cluster.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	starting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, d := range []*cluster.Daemon{
		c.Dispatcher, c.Worker("anvil", "--slots", "8", "--cpus", "8"), c.Worker("bellows", "--slots", "4", "--cpus", "4"), c.Worker("crucible", "--slots", "4", "--cpus", "4"),
	} {
		if err := d.Start(starting); err != nil {
			return fmt.Errorf("%w\n%s", err, c.Logs())
		}
	}
	looked, err := work(ctx, c)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, c.Logs())
	}
	fmt.Printf("recording for %v\n", recordFor)
	dispatcher := client.New(client.Options{Socket: c.Socket()})
	defer dispatcher.Close()
	r, err := watch(ctx, dispatcher, looked)
	if err != nil {
		return err
	}
	r.Output = c.Ctl(ctx, "logs", looked.String()).Stdout
	return r.write(file, c.Dir) // which has another name each time
}

// programs are what is run, in a directory of the worker's machine.
var programs = map[string]string{
	"render":     `sleep 0.$((OCTASKLY_ARRAY_INDEX / 300 % 4 * 15 + 30))`,
	"thumbnails": `sleep 1.5; exit $((OCTASKLY_ARRAY_INDEX % 50 == 7))`,
	"backup":     `echo done`,
	"smoke":      `echo cannot open scene 7 >&2; exit 3`,
	"build": `for f in main queue store worker sandbox executor; do
	printf '\033[32mok\033[0m       cc -O2 -c %s.c\n' $f; sleep 6; done
printf '\033[33mwarning\033[0m  queue.c:118: comparison of integers of different signs\n'
printf '\033[32mok\033[0m       ld -o octopus\n'
for i in 1 2 3 4; do printf '\033[1mtest\033[0m     %s of 9 have passed\n' $i; sleep 15; done
sleep 300`,
}

// work submits what is to be seen, and returns the task that is looked at.
func work(ctx context.Context, c *cluster.Cluster) (looked octaskly.TaskID, err error) {
	dir := filepath.Join(c.Dir, "srv")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return looked, err
	}
	for name, script := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			return looked, err
		}
	}
	var id string
	for _, words := range []string{
		"--name nightly -- ./backup --full /home", "--name smoke -- ./smoke --scenes 1-40", "--name film --array 0-9999%10 -- ./render --samples 256 film.scene",
		"--array 0-299%2 -- ./thumbnails", "--name train --cpus 16 -- python3 train.py --epochs 40", "-- ./build --jobs 4 release",
	} {
		r := c.Ctl(ctx, append([]string{"submit", "--cwd", dir}, strings.Fields(words)...)...)
		if id = strings.TrimSpace(r.Stdout); r.Code != 0 {
			return looked, fmt.Errorf("octasklyctl submit %s: %s", words, r.Stderr)
		}
	}
	if r := c.Ctl(ctx, "worker", "drain", "--reason", "new disk", "crucible"); r.Code != 0 {
		return looked, errors.New(r.Stderr)
	}
	return octaskly.ParseTaskID(id)
}

// watch asks every five seconds, as octasklyctl top notes it.
func watch(ctx context.Context, c *client.Client, looked octaskly.TaskID) (*recording, error) {
	r := &recording{}
	every := time.NewTicker(5 * time.Second)
	defer every.Stop()
	for begun := time.Now(); time.Since(begun) < recordFor; {
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		stats, err := c.Stats(ctx)
		if err != nil {
			return nil, err
		}
		workers, err := c.Workers(ctx)
		if err != nil {
			return nil, err
		}
		r.Samples = append(r.Samples, sample{At: time.Now().UTC(), Stats: stats, Workers: workers})
	}
	return r, last(ctx, c, looked, r)
}

// last is what is known besides in the end.
func last(ctx context.Context, c *client.Client, looked octaskly.TaskID, r *recording) (err error) {
	if r.Jobs, err = c.Jobs(ctx, client.Query{}); err != nil {
		return err
	}
	r.Task, err = c.Show(ctx, looked)
	return err
}
