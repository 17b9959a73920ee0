package dispatcher

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/writeback"
)

// blobs keeps large inputs as files named by their hash.
type blobs struct {
	dir     string
	uploads string // directory: who has uploaded each
	kept    tally
	noting  sync.Mutex // whoever changes a file of uploads

	mu     sync.Mutex
	claims map[octaskly.Blob]int // of submissions and retries that are under way
	doomed octaskly.Blob         // about to be deleted, unless somebody asks for it
}

func openBlobs(dir string) (*blobs, error) {
	b := &blobs{dir: filepath.Join(dir, "blobs"), uploads: filepath.Join(dir, "uploads"), claims: map[octaskly.Blob]int{}}
	if unfinished, err := filepath.Glob(filepath.Join(b.dir, upload)); err == nil {
		for _, path := range unfinished {
			os.Remove(path)
		}
	}
	for _, dir := range []string{b.dir, b.uploads} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("cannot make the directory for inputs: %w", err)
		}
	}
	return b, nil
}

// upload names what is not complete.
const upload = ".upload-*"

// path is where a blob lies. A name that is no hash leads nowhere.
func (b *blobs) path(hash octaskly.Blob) (string, error) {
	if raw, err := hex.DecodeString(string(hash)); err != nil || len(raw) != sha256.Size || strings.ToLower(string(hash)) != string(hash) {
		return "", &octaskly.FieldError{Field: "hash", Why: fmt.Sprintf("%.70q is no SHA-256 in hex", hash)}
	}
	return filepath.Join(b.dir, string(hash)), nil
}

func (b *blobs) open(hash octaskly.Blob) (*os.File, error) {
	path, err := b.path(hash)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("cannot find input %.12s…: %w", hash, octaskly.ErrNotFound)
	}
	return f, err
}

// HasBlob reports whether PutBlob may be left out: somebody else's input is as unknown
// as one that is not there.
func (d *Dispatcher) HasBlob(ctx context.Context, who api.Caller, hash octaskly.Blob) (bool, error) {
	his, err := d.mayRead(ctx, who.Name, hash)
	return his && d.blobs.use(hash), err
}

// PutBlob stores what r gives, which must have the hash that it is named by, also where
// those bytes are there: whoever has them may name them. It is on disk when PutBlob returns.
func (d *Dispatcher) PutBlob(_ context.Context, who api.Caller, hash octaskly.Blob, r io.Reader) error {
	path, err := d.blobs.path(hash)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(d.blobs.dir, upload)
	if err != nil {
		return fmt.Errorf("cannot store the input: %w", err)
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(writeback.New(temp, 0), sum), io.LimitReader(r, octaskly.MaxBlob+1))
	switch {
	case err != nil:
		return fmt.Errorf("cannot store the input: %w", err)
	case n > octaskly.MaxBlob:
		return fmt.Errorf("the input is larger than %d MiB: %w", octaskly.MaxBlob>>20, octaskly.ErrFull)
	case hex.EncodeToString(sum.Sum(nil)) != string(hash):
		return &octaskly.FieldError{Field: "hash", Why: "the bytes that came have another SHA-256"}
	}
	if err := temp.Sync(); err != nil {
		return fmt.Errorf("cannot store the input: %w", err)
	}
	if err := d.blobs.keep(hash, temp.Name(), path, n); err != nil {
		return fmt.Errorf("cannot store the input: %w", err)
	}
	d.collector.swell()
	if err := errors.Join(syncDir(d.blobs.dir), d.blobs.note(hash, who.Name)); err != nil {
		return fmt.Errorf("cannot store the input: %w", err)
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// items reads single lines of a blob. It remembers where every so many begin.
type items struct {
	file  *os.File
	err   error
	count int64   // lines
	marks []int64 // offset of each line that is a multiple of markEvery
}

const (
	markEvery = 16
	maxItem   = octaskly.MaxArg - len("OCTASKLY_ITEM=") // a line is a variable of its command
)

// items opens a blob's lines. An error waits for the first line asked for.
func (b *blobs) items(hash octaskly.Blob) *items {
	it := &items{}
	if it.file, it.err = b.open(hash); it.err == nil {
		it.err = it.mark()
	}
	return it
}

func (it *items) mark() error {
	r := bufio.NewReaderSize(it.file, 64<<10)
	for at := int64(0); ; it.count++ {
		if it.count%markEvery == 0 {
			it.marks = append(it.marks, at)
		}
		n, err := skipLine(r)
		if n > int64(maxItem) {
			return &octaskly.FieldError{Field: "items", Why: fmt.Sprintf("line %d has %d bytes, %d are allowed", it.count, n, maxItem)}
		}
		switch at += n; {
		case err == io.EOF && n == 0:
			return nil
		case err != nil && err != io.EOF:
			return err
		}
	}
}

func skipLine(r *bufio.Reader) (n int64, err error) {
	for {
		part, err := r.ReadSlice('\n')
		n += int64(len(part))
		if err != bufio.ErrBufferFull {
			return n, err
		}
	}
}

// line is the text of line i, without its newline.
func (it *items) line(i octaskly.Index) (string, error) {
	if it.err != nil {
		return "", fmt.Errorf("cannot read the items: %w", it.err)
	}
	mark := i / markEvery
	if mark >= int64(len(it.marks)) {
		return "", fmt.Errorf("cannot read the items: there is no line %d", i)
	}
	r := bufio.NewReader(io.NewSectionReader(it.file, it.marks[mark], octaskly.MaxBlob))
	for range i % markEvery {
		if _, err := skipLine(r); err != nil {
			return "", fmt.Errorf("cannot read the items: there is no line %d: %w", i, err)
		}
	}
	text, err := r.ReadString('\n')
	if err != nil && (err != io.EOF || text == "") {
		return "", fmt.Errorf("cannot read the items: there is no line %d: %w", i, err)
	}
	return strings.TrimSuffix(text, "\n"), nil
}

func (it *items) close() {
	if it.file != nil {
		it.file.Close()
	}
}
