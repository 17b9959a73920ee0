package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// input is a file of bounded size that travels as a blob.
type input struct {
	file *os.File
	size int64
	hash octaskly.Blob
}

// openInput reads path, or stdin where it is "-", to its end. What cannot be
// read twice is kept in a temporary file. also sees every byte on the way.
func openInput(path string, stdin io.Reader, also io.Writer) (*input, error) {
	source, err := openSource(path, stdin)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	if file, ok := source.(*os.File); ok && path != "-" && isRegular(file) {
		n, err := io.Copy(io.MultiWriter(sum, also), bounded(file))
		return finish(&input{file: file, size: n}, sum, err)
	}
	spooled, err := unlinkedFile()
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(io.MultiWriter(sum, also, spooled), bounded(source))
	if file, ok := source.(*os.File); ok && path != "-" {
		file.Close()
	}
	return finish(&input{file: spooled, size: n}, sum, err)
}

func openSource(path string, stdin io.Reader) (io.Reader, error) {
	if path == "-" {
		return stdin, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		file.Close()
		return nil, fmt.Errorf("%q is a directory", path)
	}
	return file, nil
}

func isRegular(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// bounded reads one byte more than is allowed, so that finish can tell.
func bounded(r io.Reader) io.Reader { return io.LimitReader(r, octaskly.MaxBlob+1) }

// unlinkedFile is a temporary file that is gone when it is closed.
func unlinkedFile() (*os.File, error) {
	file, err := os.CreateTemp("", "octasklyctl-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func finish(in *input, sum hash.Hash, err error) (*input, error) {
	if err == nil && in.size > octaskly.MaxBlob {
		err = fmt.Errorf("it has more than the %d bytes allowed", octaskly.MaxBlob)
	}
	if err == nil {
		_, err = in.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	in.hash = octaskly.Blob(hex.EncodeToString(sum.Sum(nil)))
	return in, nil
}

// Close may be called on nil.
func (in *input) Close() error {
	if in == nil {
		return nil
	}
	return in.file.Close()
}

// readInputs opens what --stdin and --each-line name.
func (s *submission) readInputs(c *cli.Context, stdin io.Reader) (err error) {
	if c.String("stdin") == "-" && c.String("each-line") == "-" {
		return usagef("cannot use --stdin - and --each-line - together: there is one stdin")
	}
	if c.IsSet("stdin") {
		if s.stdin, err = openInput(c.String("stdin"), stdin, io.Discard); err != nil {
			return badFlag("stdin", err)
		}
		if s.stdin.size > 0 { // an empty one is /dev/null, which is the default
			s.Stdin = s.stdin.hash
		}
	}
	if c.IsSet("each-line") {
		var lines lineCheck
		if s.items, err = openInput(c.String("each-line"), stdin, &lines); err != nil {
			return badFlag("each-line", err)
		}
		if lines.count() == 0 {
			return usagef("cannot use --each-line %q: it is empty, so there is nothing to run", c.String("each-line"))
		}
		s.Items = s.items.hash
	}
	return nil
}
