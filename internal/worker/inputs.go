package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/transport"
)

// inputs holds the blobs that commands here read, each for as long as a job
// uses it.
type inputs struct {
	dir string

	mu    sync.Mutex
	users map[octaskly.Blob]map[octaskly.JobID]bool
	busy  map[octaskly.Blob]chan struct{} // closed when that download has ended
}

// openInputs keeps what is in use already. What is missing is fetched again.
func openInputs(dir string, inUse map[octaskly.Blob][]octaskly.JobID) (*inputs, error) {
	in := &inputs{
		dir:   filepath.Join(dir, "inputs"),
		users: map[octaskly.Blob]map[octaskly.JobID]bool{},
		busy:  map[octaskly.Blob]chan struct{}{},
	}
	if err := os.Mkdir(in.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("cannot make the directory for inputs: %w", err)
	}
	kept := map[string]bool{}
	for blob, jobs := range inUse {
		kept[in.path(blob)] = true
		in.users[blob] = map[octaskly.JobID]bool{}
		for _, job := range jobs {
			in.users[blob][job] = true
		}
	}
	if err := in.clear(kept); err != nil {
		return nil, fmt.Errorf("cannot clear the directory for inputs: %w", err)
	}
	return in, nil
}

// clear removes every file that is not kept.
func (in *inputs) clear(kept map[string]bool) error {
	entries, err := os.ReadDir(in.dir)
	for _, entry := range entries {
		if path := filepath.Join(in.dir, entry.Name()); !kept[path] {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return err
}

// find returns the file of a blob that is here and notes who uses it.
func (in *inputs) find(blob octaskly.Blob, job octaskly.JobID) (path string, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	jobs := in.users[blob]
	if jobs == nil {
		return "", false
	}
	jobs[job] = true
	return in.path(blob), true
}

// path is safe for what a dispatcher may say: only a hash is let through.
func (in *inputs) path(blob octaskly.Blob) string {
	sum := sha256.Sum256([]byte(blob))
	return filepath.Join(in.dir, hex.EncodeToString(sum[:]))
}

// get fetches a blob, or waits for whoever is fetching it.
func (in *inputs) get(ctx context.Context, link transport.Session, blob octaskly.Blob, job octaskly.JobID) (string, error) {
	for {
		if path, ok := in.find(blob, job); ok {
			return path, nil
		}
		done, mine := in.begin(blob)
		if mine {
			err := in.download(ctx, link, blob)
			if err != nil {
				os.Remove(in.path(blob)) // as far as it came
			}
			in.end(blob, done, err)
			if err != nil {
				return "", fmt.Errorf("cannot get its standard input: %w", err)
			}
			continue
		}
		select {
		case <-done:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func (in *inputs) begin(blob octaskly.Blob) (done chan struct{}, mine bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if done := in.busy[blob]; done != nil {
		return done, false
	}
	done = make(chan struct{})
	in.busy[blob] = done
	return done, true
}

func (in *inputs) end(blob octaskly.Blob, done chan struct{}, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.busy, blob)
	if err == nil {
		in.users[blob] = map[octaskly.JobID]bool{}
	}
	close(done)
}

// errBroken says that an input is not here because its channel broke: it is worth
// another try.
var errBroken = errors.New("the channel broke")

// download copies a blob from the dispatcher into its file and checks its hash.
func (in *inputs) download(ctx context.Context, link transport.Session, blob octaskly.Blob) error {
	header, err := protocol.Marshal(&protocol.BulkHeader{Blob: blob})
	if err != nil {
		return err
	}
	channel, err := link.OpenBulk(ctx, header)
	if err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	defer channel.Close()
	file, err := os.OpenFile(in.path(blob), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(file, sum), io.LimitReader(&breakable{&impatient{channel}}, octaskly.MaxBlob+1))
	switch {
	case err != nil:
		return err
	case n > octaskly.MaxBlob:
		return fmt.Errorf("it is larger than %d MiB", octaskly.MaxBlob>>20)
	case hex.EncodeToString(sum.Sum(nil)) != string(blob):
		return fmt.Errorf("the dispatcher does not have it, or sent something else")
	}
	return file.Close()
}

// impatient reads with a deadline of its own for each read.
type impatient struct{ transport.Channel }

func (i *impatient) Read(p []byte) (int, error) {
	i.SetReadDeadline(time.Now().Add(bulkTimeout))
	return i.Channel.Read(p)
}

// breakable tells what fails to be read from what fails to be kept.
type breakable struct{ io.Reader }

func (b *breakable) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%w: %w", errBroken, err)
	}
	return n, err
}

// retain releases the inputs of all jobs but those that use answers true for. It
// is asked about jobs that somebody else has forgotten: their session is over, or
// they were over before their input was here.
func (in *inputs) retain(use func([]octaskly.JobID) map[octaskly.JobID]bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var all []octaskly.JobID
	for _, jobs := range in.users {
		all = slices.AppendSeq(all, maps.Keys(jobs))
	}
	if len(all) == 0 {
		return
	}
	used := use(all)
	for blob, jobs := range in.users {
		for job := range jobs {
			if !used[job] {
				in.releaseLocked(blob, job)
			}
		}
	}
}

// release notes that a job uses a blob no more. Commands that have it open keep
// it.
func (in *inputs) release(blob octaskly.Blob, job octaskly.JobID) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.releaseLocked(blob, job)
}

func (in *inputs) releaseLocked(blob octaskly.Blob, job octaskly.JobID) {
	jobs := in.users[blob]
	if delete(jobs, job); jobs != nil && len(jobs) == 0 {
		delete(in.users, blob)
		os.Remove(in.path(blob))
	}
}
