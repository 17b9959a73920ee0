package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

func (s *session) logsCommand() *cli.Command {
	return &cli.Command{
		Name:  "logs",
		Usage: "print the output of a job or an element",
		Description: "Prints what a task has written, byte for byte: its stdout to stdout and its stderr to\n" +
			"stderr. Of an array it is the output of all elements in the order of their indices.\n" +
			"With -o json, each piece is a line such as {\"stream\":\"stdout\",\"data\":\"…\"}.",
		ArgsUsage: "[FLAG…] ID",
		UsageText: "octasklyctl logs -f last\noctasklyctl logs --stderr --tail 20 42.7",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on until the task is over"},
			&cli.BoolFlag{Name: "stdout", Usage: "only stdout"},
			&cli.BoolFlag{Name: "stderr", Usage: "only stderr"},
			&cli.StringFlag{Name: "tail", Usage: "begin with the last `N` lines"},
			&cli.StringFlag{Name: "attempt", Usage: "the output of attempt `N`, not of the latest that has any"},
		},
		Action: s.logs,
	}
}

// maxTail bounds --tail; spool.Tail bounds the bytes.
const maxTail = 1_000_000

func (s *session) logs(c *cli.Context) error {
	tail, err := countFlag(c, "tail", 0, maxTail)
	if err != nil {
		return err
	}
	attempt, err := countFlag(c, "attempt", 1, 1<<30)
	if err != nil {
		return err
	}
	id, err := s.one(c)
	if err != nil {
		return err
	}
	l := &logReader{session: s, id: id, options: client.OutputOptions{Attempt: attempt}}
	both := c.Bool("stdout") == c.Bool("stderr")
	if both || c.Bool("stdout") {
		l.stdout = s.logWriter(spool.Stdout)
	}
	if both || c.Bool("stderr") {
		l.stderr = s.logWriter(spool.Stderr)
	}
	return l.read(c.Context, c.Bool("follow"), c.IsSet("tail"), tail)
}

// one is the job or element that a command is about.
func (s *session) one(c *cli.Context) (octaskly.TaskID, error) {
	targets, err := s.targets(c.Context, c.Args().Slice())
	switch {
	case err != nil:
		return octaskly.TaskID{}, err
	case len(targets) != 1:
		return octaskly.TaskID{}, usagef("%s takes one job or element at a time, and these are %d", c.Command.Name, len(targets))
	}
	return targets[0].id, nil
}

// logReader prints output. A nil writer leaves its stream out.
type logReader struct {
	*session
	id             octaskly.TaskID
	options        client.OutputOptions
	stdout, stderr io.Writer
}

func (l *logReader) read(ctx context.Context, follow, cut bool, lines int) error {
	switch {
	case cut && follow:
		return l.tailAndFollow(ctx, lines)
	case cut:
		_, err := l.tail(ctx, lines)
		return err
	case follow:
		return l.copy(l.follow(ctx, l.id, l.options, false))
	}
	output, err := l.client.Output(ctx, l.id, l.options)
	if err != nil {
		return err
	}
	return l.copy(output)
}

// tailAndFollow prints the last lines of the latest attempt and goes on from
// there.
func (l *logReader) tailAndFollow(ctx context.Context, lines int) error {
	following := l.options
	earlier, err := l.latest(ctx)
	if err != nil {
		return err
	}
	read, err := l.tail(ctx, lines)
	if err != nil {
		return err
	}
	following.From = earlier + read
	return l.copy(l.follow(ctx, l.id, following, true))
}

// latest turns to the latest attempt, unless one was named, and returns how many
// framed bytes come before it: what is followed begins with the first attempt.
func (l *logReader) latest(ctx context.Context) (earlier int64, err error) {
	if l.options.Attempt != 0 {
		return 0, nil
	}
	detail, err := l.client.Show(ctx, l.id)
	switch {
	case err != nil:
		return 0, err
	case detail.Array != "":
		return 0, usagef("cannot use --tail with --follow for all of an array; name an element, as in %v.0", l.id)
	}
	for i, a := range detail.Attempts {
		l.options.Attempt = a.Number
		if i == len(detail.Attempts)-1 {
			break
		}
		size, err := l.size(ctx)
		if err != nil {
			return 0, err
		}
		earlier += size
	}
	return earlier, nil
}

// size is how many framed bytes there are.
func (l *logReader) size(ctx context.Context) (int64, error) {
	output, err := l.client.Output(ctx, l.id, l.options)
	if err != nil {
		return 0, err
	}
	defer output.Close()
	return io.Copy(io.Discard, output)
}

func (l *logReader) copy(output io.ReadCloser) error {
	defer output.Close()
	discarded, err := spool.Copy(l.stdout, l.stderr, output)
	l.truncated(discarded, l.id)
	return err
}

// tail prints the last lines and returns how many framed bytes there are.
func (l *logReader) tail(ctx context.Context, lines int) (int64, error) {
	output, err := l.client.Output(ctx, l.id, l.options)
	if err != nil {
		return 0, err
	}
	defer output.Close()
	counted := &counter{Reader: output}
	last, err := spool.Tail(counted, lines, l.wants)
	if err != nil {
		return 0, err
	}
	return counted.n, l.copy(io.NopCloser(bytes.NewReader(last)))
}

func (l *logReader) wants(stream spool.Stream) bool {
	return stream == spool.Stdout && l.stdout != nil || stream == spool.Stderr && l.stderr != nil
}

// counter counts the bytes that are read.
type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// logWriter is where a stream's bytes go.
func (s *session) logWriter(stream spool.Stream) io.Writer {
	switch {
	case s.output == outputJSON:
		return &pieces{json.NewEncoder(s.stdout), stream.String()}
	case stream == spool.Stderr:
		return s.stderr
	}
	return s.stdout
}

// pieces writes each piece of output as a line of JSON.
type pieces struct {
	lines  *json.Encoder
	stream string
}

type piece struct {
	Stream string   `json:"stream"`
	Data   api.Text `json:"data"`
}

func (p *pieces) Write(data []byte) (int, error) {
	return len(data), p.lines.Encode(piece{p.stream, api.Text(data)})
}

// truncated says that output is missing from the end of a stream.
func (s *session) truncated(discarded int64, id octaskly.TaskID) {
	if discarded > 0 {
		s.note("%s of output of task %v are missing: it wrote more than is kept", sizeText(discarded), id)
	}
}
