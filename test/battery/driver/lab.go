package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
	"github.com/octaskly/octaskly/test/battery/row"
)

// patience bounds a row; cleaning, how long a machine may take to be as it was.
const (
	patience = 6 * time.Minute
	cleaning = 15 * time.Second
)

// lab is where rows are tried.
type lab struct {
	client *client.Client
	calm   traces // of the machine at rest
}

// settle finds what the machine is like when nothing runs, once tasks of all
// levels have.
func (l *lab) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, level := range row.Levels {
		for range 2 {
			if said, err := benign(ctx, level); err != nil {
				return fmt.Errorf("a harmless task at level %s: %w: %s", level, err, said)
			}
		}
	}
	var err error
	l.calm, err = look()
	return err
}

// benign runs what every machine runs.
func benign(ctx context.Context, level string) (string, error) {
	said, err := exec.CommandContext(ctx, "octasklyctl", "run", "--sandbox", level, "--", "sh", "-c", "echo fine >file && cat file").CombinedOutput()
	if text := strings.TrimSpace(string(said)); err != nil || text != "fine" {
		return text, errors.Join(err, errors.New("it is not fine"))
	}
	return "", nil
}

func (l *lab) try(ctx context.Context, r *row.Row) (result row.Result) {
	began := time.Now()
	if err := l.attempt(ctx, r, &result); err != nil {
		result.Err = err.Error()
	}
	result.Left = l.left()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if said, err := benign(ctx, "strict"); err != nil {
		result.Benign = err.Error() + ": " + said
	}
	result.Seconds = time.Since(began).Seconds()
	return result
}

func (l *lab) attempt(ctx context.Context, r *row.Row, result *row.Result) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := root(ctx, r.Setup); err != nil {
		return fmt.Errorf("before: %w", err)
	}
	ids, err := submit(ctx, r)
	if err != nil {
		return err
	}
	for i := range row.Levels {
		if !r.Tried(i) {
			continue
		}
		if result.Got[i], result.Details[i], err = l.outcome(ctx, ids[i]); err != nil {
			return fmt.Errorf("at level %s: %w", row.Levels[i], err)
		}
	}
	if err := root(ctx, r.After); err != nil {
		return fmt.Errorf("after: %w", err)
	}
	return nil
}

// root runs a script as we are.
func root(ctx context.Context, script string) error {
	if script == "" {
		return nil
	}
	said, err := exec.CommandContext(ctx, "bash", "-euc", script).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// submit submits a row at its levels, all at once, and returns a line for each:
// an id, or what octasklyctl said.
func submit(ctx context.Context, r *row.Row) (ids [len(row.Levels)]string, err error) {
	var group errgroup.Group
	for i, level := range row.Levels {
		if r.Tried(i) {
			group.Go(func() (err error) {
				ids[i], err = submitAt(ctx, r, level)
				return err
			})
		}
	}
	return ids, group.Wait()
}

func submitAt(ctx context.Context, r *row.Row, level string) (string, error) {
	argv := r.Argv
	if argv == "" {
		argv = `sh -c "$TRY"`
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", "exec octasklyctl submit -o quiet --sandbox $level --timeout 5m "+r.With+" -- "+argv)
	cmd.Env = append(cmd.Environ(), "TRY="+r.Try, "level="+level)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return refusal + strings.TrimSpace(stderr.String()), nil
	}
	return strings.TrimSpace(stdout.String()), err
}

const refusal = "refused: "

// outcome waits for a task and says what became of it, in the words of the table.
func (l *lab) outcome(ctx context.Context, said string) (word, detail string, err error) {
	if detail, refused := strings.CutPrefix(said, refusal); refused {
		return "refused", detail, nil
	}
	job, err := strconv.ParseInt(said, 10, 64)
	if err != nil {
		return "", "", fmt.Errorf("octasklyctl says %q", said)
	}
	id := octaskly.TaskID{Job: octaskly.JobID(job)}
	output, err := l.client.Output(ctx, id, client.OutputOptions{Follow: true})
	if err != nil {
		return "", "", err
	}
	defer output.Close()
	stdout, stderr := &head{}, &head{}
	if _, err := spool.Copy(stdout, stderr, output); err != nil {
		return "", "", err
	}
	for {
		d, err := l.client.Show(ctx, id)
		if err != nil {
			return "", "", err
		}
		if d.State.Terminal() {
			return outcome(stdout.String(), d.State, d.Reason), fmt.Sprintf("task %s: %s %s; %s", said, d.Reason, d.Detail, stderr.String()), nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// outcome collapses words that repeat.
func outcome(stdout string, state octaskly.State, reason octaskly.Reason) string {
	var words []string
	for word := range strings.FieldsSeq(stdout) {
		if len(words) == 0 || words[len(words)-1] != word {
			words = append(words, word)
		}
	}
	switch {
	case state == octaskly.TimedOut:
		words = append(words, "timeout")
	case state != octaskly.Completed:
		words = append(words, string(reason))
	}
	if len(words) == 0 {
		return "ok"
	}
	return strings.Join(words, ",")
}

// head keeps the beginning of what is written.
type head struct{ bytes.Buffer }

const most = 4 << 10

func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), max(most-h.Len(), 0))])
	return len(p), nil
}
