package client

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// UploadBlob gives the dispatcher what r has, from where it stands to its end,
// unless it has that already, and returns the name to submit. r is read twice:
// where it cannot seek, as a pipe cannot, it is kept in a temporary file
// meanwhile. More than octaskly.MaxBlob is a *octaskly.FieldError.
func (c *Client) UploadBlob(ctx context.Context, r io.Reader) (octaskly.Blob, error) {
	again, err := rewindable(r)
	if err != nil {
		return "", fmt.Errorf("cannot keep the input in a temporary file: %w", err)
	}
	defer again.Close()
	hash, size, err := again.hash()
	if err != nil {
		return "", err
	}
	if has, err := c.HasBlob(ctx, hash); has || err != nil {
		return hash, err
	}
	return hash, c.PutBlob(ctx, hash, again.ReadSeeker, size)
}

// HasBlob reports whether PutBlob may be left out.
func (c *Client) HasBlob(ctx context.Context, hash octaskly.Blob) (bool, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	r, err := c.request(ctx, call{method: http.MethodHead, path: blobPath(hash)})
	if err != nil {
		return false, err
	}
	answer, err := c.exchange(r)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusNoContent:
		return true, nil
	case http.StatusNotFound:
		return false, nil
	}
	return false, c.failure(answer)
}

// PutBlob uploads the size bytes of r, whose SHA-256 is hash.
func (c *Client) PutBlob(ctx context.Context, hash octaskly.Blob, r io.Reader, size int64) error {
	request, err := c.request(ctx, call{method: http.MethodPut, path: blobPath(hash)})
	if err != nil {
		return err
	}
	setBody(request, r, size)
	request.Header.Set("Content-Type", "application/octet-stream")
	answer, err := c.send(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// setBody gives a request what r has. It can be sent again where r lets read any
// part of it at any time, as a file does.
func setBody(request *http.Request, r io.Reader, size int64) {
	request.Body, request.ContentLength = io.NopCloser(r), size
	if size == 0 {
		request.Body = http.NoBody
		return
	}
	file, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return
	}
	if start, err := file.Seek(0, io.SeekCurrent); err == nil {
		request.GetBody = func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(file, start, size)), nil
		}
		request.Body, _ = request.GetBody()
	}
}

func blobPath(hash octaskly.Blob) string { return root + "blobs/" + string(hash) }

// input can be read twice.
type input struct {
	io.ReadSeeker
	start int64
	spool *os.File // to be closed; nil: none
}

// rewindable returns r as an input, copied to an unlinked file if need be.
func rewindable(r io.Reader) (*input, error) {
	if s, ok := r.(io.ReadSeeker); ok {
		// Seeking fails where r is a pipe or a terminal.
		if start, err := s.Seek(0, io.SeekCurrent); err == nil {
			return &input{ReadSeeker: s, start: start}, nil
		}
	}
	file, err := os.CreateTemp("", "octaskly-input-")
	if err != nil {
		return nil, err
	}
	in := &input{ReadSeeker: file, spool: file}
	if err = os.Remove(file.Name()); err == nil {
		_, err = io.Copy(file, bounded(r))
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// bounded gives one byte more than is allowed, so that hash can tell.
func bounded(r io.Reader) io.Reader { return io.LimitReader(r, octaskly.MaxBlob+1) }

// hash reads the input and leaves it at its start.
func (in *input) hash() (octaskly.Blob, int64, error) {
	sum := sha256.New()
	size, err := io.Copy(sum, bounded(in))
	_, seekErr := in.Seek(in.start, io.SeekStart)
	switch err := cmp.Or(err, seekErr); {
	case err != nil:
		return "", 0, fmt.Errorf("cannot read the input: %w", err)
	case size > octaskly.MaxBlob:
		return "", 0, &octaskly.FieldError{Field: "input", Why: fmt.Sprintf("it has more than the %d bytes allowed", octaskly.MaxBlob)}
	}
	return octaskly.Blob(hex.EncodeToString(sum.Sum(nil))), size, nil
}

// Close removes the copy, and leaves the original alone.
func (in *input) Close() error {
	if in.spool == nil {
		return nil
	}
	return in.spool.Close()
}
