package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

// framed is the chunk of some stdout.
func framed(text string) string { return "\x01\x00\x00\x00" + string(rune(len(text))) + text }

func TestOutput(t *testing.T) {
	d := newDaemon(t, &fake{output: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(framed("hello ") + framed("world"))), nil
	}})
	for from, want := range map[int64]string{0: "hello world", int64(len(framed("hello "))): "world"} {
		output, err := d.client(Options{}).Output(t.Context(), element, OutputOptions{Attempt: 3, Follow: true, From: from})
		if err != nil {
			t.Fatal(err)
		}
		var stdout bytes.Buffer
		if _, err := spool.Copy(&stdout, nil, output); err != nil || stdout.String() != want || d.fake.asked != "output 42.7 3 true" {
			t.Errorf("got %q, %v, asked %s", &stdout, err, d.fake.asked)
		}
		output.Close()
	}
}

// TestOutputCut tells output that breaks off from output that ends.
func TestOutputCut(t *testing.T) {
	d := newDaemon(t, &fake{output: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(framed("hello")), failing{})), nil
	}})
	for _, follow := range []bool{false, true} {
		output, err := d.client(Options{}).Output(t.Context(), job, OutputOptions{Follow: follow})
		if err == nil {
			_, err = spool.Copy(io.Discard, io.Discard, output)
			output.Close()
		}
		if !errors.Is(err, ErrCut) {
			t.Errorf("follow %v: got %v", follow, err)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("input/output error") }

func TestOutputErrors(t *testing.T) {
	d := newDaemon(t, &fake{err: octaskly.ErrGone})
	if output, err := d.client(Options{}).Output(t.Context(), job, OutputOptions{}); !errors.Is(err, octaskly.ErrGone) || output != nil {
		t.Errorf("got %v, %v", output, err)
	}
}

func TestOutputCancelled(t *testing.T) {
	why := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	d := newDaemon(t, &fake{output: func(context.Context) (io.ReadCloser, error) { return r, nil }})
	output, err := d.client(Options{}).Output(ctx, job, OutputOptions{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	cancel(why)
	if _, err := output.Read(make([]byte, 1)); err != why {
		t.Errorf("got %v", err)
	}
}

func hashOf(data string) octaskly.Blob {
	sum := sha256.Sum256([]byte(data))
	return octaskly.Blob(hex.EncodeToString(sum[:]))
}

// TestUploadBlob gives the same bytes in every way there is.
func TestUploadBlob(t *testing.T) {
	data := strings.Repeat("some data\n", 100_000)
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("skip"+data), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]func() io.Reader{
		"string": func() io.Reader { return strings.NewReader(data) },
		"reader": func() io.Reader { return io.LimitReader(strings.NewReader(data), 1<<30) },
		"file": func() io.Reader {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
			f.Seek(4, io.SeekStart)
			return f
		},
		"pipe": func() io.Reader {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.Close() })
			go func() { io.WriteString(w, data); w.Close() }()
			return r
		},
	}
	t.Setenv("TMPDIR", t.TempDir())
	d := newDaemon(t, &fake{})
	c := d.client(Options{})
	for name, open := range tests {
		clear(d.fake.blobs)
		for range 2 { // the second time there is nothing to send
			hash, err := c.UploadBlob(t.Context(), open())
			if err != nil || hash != hashOf(data) || string(d.fake.blobs[hash]) != data {
				t.Errorf("%s: %v, %v, %d bytes arrived", name, hash, err, len(d.fake.blobs[hash]))
			}
			d.fake.blobs[hash] = []byte(data)
		}
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) != 0 {
		t.Errorf("%v is left over", left)
	}
	if hash, err := c.UploadBlob(t.Context(), strings.NewReader("")); hash != hashOf("") || err != nil {
		t.Errorf("nothing: %v, %v", hash, err)
	}
}

// TestUploadOnce sends nothing that is there.
func TestUploadOnce(t *testing.T) {
	d := newDaemon(t, &fake{err: errors.New("it was sent")})
	d.fake.blobs[hashOf("x")] = nil
	if _, err := d.client(Options{}).UploadBlob(t.Context(), strings.NewReader("x")); err != nil {
		t.Error(err)
	}
}

func TestUploadErrors(t *testing.T) {
	d := newDaemon(t, &fake{err: &octaskly.FieldError{Field: "blob", Why: "wrong hash"}})
	c := d.client(Options{})
	if _, err := c.UploadBlob(t.Context(), strings.NewReader("x")); !errorIs[*octaskly.FieldError](err) {
		t.Errorf("got %v", err)
	}
	if _, err := c.UploadBlob(t.Context(), failing{}); err == nil || !strings.Contains(err.Error(), "input/output error") {
		t.Errorf("got %v", err)
	}
	large := io.NewSectionReader(zeroes{}, 0, octaskly.MaxBlob+1)
	if _, err := c.UploadBlob(t.Context(), large); !errorIs[*octaskly.FieldError](err) {
		t.Errorf("got %v", err)
	}
	if _, err := c.HasBlob(t.Context(), "5a"); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("got %v", err)
	}
	none := New(Options{Socket: t.TempDir() + "/none"})
	if _, err := none.UploadBlob(t.Context(), strings.NewReader("x")); !errorIs[*Unreachable](err) {
		t.Errorf("got %v", err)
	}
}

func errorIs[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

type zeroes struct{}

func (zeroes) ReadAt(p []byte, _ int64) (int, error) { return len(p), nil }
