package executor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// output reads all output of an attempt that has ended.
func (r *rig) output(f protocol.Finished) []byte {
	r.t.Helper()
	log, ok := r.Output(f.ID)
	if !ok {
		r.t.Fatal("there is no output")
	}
	reader := log.Reader(context.Background(), 0, true)
	defer reader.Close()
	framed, err := io.ReadAll(reader)
	check(r.t, err)
	if int64(len(framed)) != f.End.Output.Stored {
		r.t.Errorf("%d bytes of output, the end says %+v", len(framed), f.End.Output)
	}
	if f.Output != nil && !bytes.Equal(framed, f.Output) {
		r.t.Error("the output that rides along is another one")
	}
	return framed
}

func binaryData(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 7)
	}
	return b
}

func TestOutputByteExact(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		r := newRig(t, cfg)
		for _, size := range []int{0, 1, 1000, 50_000, 70_000, 1_000_000} {
			file := filepath.Join(t.TempDir(), "data")
			data := binaryData(size)
			check(t, os.WriteFile(file, data, 0o600))
			f := r.run(shell("cat " + file + "; echo error >&2; tac -s x " + file + " >&2"))
			wantEnd(t, f, octaskly.Completed, "")
			stdout, stderr := text(t, r.output(f))
			if stdout != string(data) || len(stderr) != size+6 || !strings.HasPrefix(stderr, "error\n") {
				t.Errorf("%d bytes: %d on stdout, %d on stderr", size, len(stdout), len(stderr))
			}
			if f.End.Output.Stdout != int64(size) || f.End.Output.Stderr != int64(size+6) || f.End.Output.Discarded != 0 {
				t.Errorf("%d bytes: the end says %+v", size, f.End.Output)
			}
			if inline := f.End.Output.Stored <= octaskly.InlineOutput; inline != (f.Output != nil) {
				t.Errorf("%d bytes: inline %v", size, !inline)
			}
			_, err := os.Stat(r.path(r.entries[f.ID].file))
			if small := f.Output != nil; small != errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%d bytes: file %v", size, err)
			}
			r.Release([]octaskly.AttemptID{f.ID})
			if files, _ := filepath.Glob(r.path("output/*")); len(files) > 0 {
				t.Errorf("%d bytes: after the release there is %q", size, files)
			}
		}
	})
}

func TestStderrFlood(t *testing.T) {
	r := newRig(t, config(t))
	f := r.run(shell("head -c 1000000 /dev/zero >&2; echo out"))
	wantEnd(t, f, octaskly.Completed, "")
	if stdout, stderr := text(t, r.output(f)); stdout != "out\n" || len(stderr) != 1_000_000 {
		t.Errorf("stdout %q, %d bytes on stderr", stdout, len(stderr))
	}
}

// TestLastWords wants what was written before the end kept, although a process in
// the background holds the pipe open.
func TestLastWords(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		r := newRig(t, cfg)
		f := r.run(shell("sleep 1000 & head -c 60000 /dev/zero; echo last >&2; exit 2"))
		wantEnd(t, f, octaskly.Failed, "exit:2")
		stdout, stderr := text(t, r.output(f))
		if len(stdout) != 60_000 || stderr != "last\n" {
			t.Errorf("%d bytes, %q", len(stdout), stderr)
		}
	})
}

func TestMerge(t *testing.T) {
	r := newRig(t, config(t))
	spec := shell("for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done")
	spec.Merge = true
	f := r.run(spec)
	if stdout, stderr := text(t, f.Output); stdout != "o1\ne1\no2\ne2\no3\ne3\no4\ne4\no5\ne5\n" || stderr != "" {
		t.Errorf("stdout %q, stderr %q", stdout, stderr)
	}
}

func TestStreamClosedEarly(t *testing.T) {
	r := newRig(t, config(t))
	g := newGate(t)
	id := r.offer(shell("exec 1>&-; echo > " + g.path + "; read x < " + g.door + "; echo still here >&2; exit 6"))
	g.reached()
	g.pass()
	f := r.end(id)
	wantEnd(t, f, octaskly.Failed, "exit:6")
	if stdout, stderr := text(t, f.Output); stdout != "" || stderr != "still here\n" {
		t.Errorf("stdout %q, stderr %q", stdout, stderr)
	}
}

func TestOutputPastTheBound(t *testing.T) {
	r := newRig(t, config(t))
	a := r.attempt(shell("head -c 500000 /dev/zero; echo 12345678901 >&2"))
	a.MaxOutput = 10
	r.Offer([]*Attempt{a})
	f := r.end(a.ID)
	wantEnd(t, f, octaskly.Completed, "")
	want := octaskly.OutputSize{Stored: f.End.Output.Stored, Stdout: 10, Stderr: 10, Discarded: 499_990 + 2}
	if f.End.Output != want || f.Output == nil {
		t.Errorf("%+v, want %+v", f.End.Output, want)
	}
	if stdout, stderr := text(t, r.output(f)); len(stdout) != 10 || stderr != "1234567890" {
		t.Errorf("%d bytes, %q", len(stdout), stderr)
	}
}

func TestFollow(t *testing.T) {
	cfg := config(t)
	cfg.Slots = 1
	r := newRig(t, cfg)
	g := newGate(t)
	first := r.offer(shell("read x < " + g.door))
	id := r.offer(shell("echo one; read x < " + g.door + "; echo two"))
	log, ok := r.Output(id) // while it is queued
	if !ok {
		t.Fatal("no output of a queued attempt")
	}
	reader := log.Reader(t.Context(), 0, true)
	defer reader.Close()
	g.pass()
	r.end(first)
	var head [9]byte
	_, err := io.ReadFull(reader, head[:]) // while it runs
	check(t, err)
	g.pass()
	rest, err := io.ReadAll(reader)
	check(t, err)
	if stdout, _ := text(t, append(head[:], rest...)); stdout != "one\ntwo\n" {
		t.Errorf("followed %q", stdout)
	}
	r.end(id)
	if _, ok := r.Output(octaskly.AttemptID{Job: 999}); ok {
		t.Error("output of nothing")
	}
}

// TestNoRoomForOutput wants a command to go on when its output cannot be kept.
func TestNoRoomForOutput(t *testing.T) {
	r := newRig(t, config(t))
	a := r.attempt(shell("head -c 1000000 /dev/zero"))
	r.Offer(nil)
	check(t, os.RemoveAll(r.path("output")))
	r.Offer([]*Attempt{a})
	f := r.end(a.ID)
	wantEnd(t, f, octaskly.Completed, "")
	if f.End.Output.Discarded == 0 || f.End.Output.Stdout+f.End.Output.Discarded != 1_000_000 || f.Output != nil {
		t.Errorf("%+v", f.End.Output)
	}
	check(t, os.Mkdir(r.path("output"), 0o700))
}

func TestStdin(t *testing.T) {
	r := newRig(t, config(t))
	data := binaryData(300_000)
	sum := sha256.Sum256(data)
	file := filepath.Join(t.TempDir(), "blob")
	check(t, os.WriteFile(file, data, 0o400))
	for range 2 { // each from the beginning
		a := r.attempt(octaskly.Spec{Argv: []string{"sha256sum"}, Stdin: "blob"})
		a.StdinPath = file
		r.Offer([]*Attempt{a})
		if stdout, _ := text(t, r.end(a.ID).Output); !strings.HasPrefix(stdout, hex.EncodeToString(sum[:])) {
			t.Errorf("the command read something else: %q", stdout)
		}
	}
	a := r.attempt(octaskly.Spec{Argv: []string{"cat"}, Stdin: "blob"})
	a.StdinPath = file + ".missing"
	r.Offer([]*Attempt{a})
	wantEnd(t, r.end(a.ID), octaskly.Failed, "executor")
}
