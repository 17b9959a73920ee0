package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

// outputs holds the mirrors of running attempts that somebody follows, or whose
// output is too long to travel with their end. The core makes and ends them;
// channels fill them.
type outputs struct {
	dir   string
	limit int64
	kept  tally // files of attempts that are over

	mu      sync.Mutex
	mirrors map[octaskly.AttemptID]*mirror
}

// mirror is the copy of one attempt's output.
type mirror struct {
	log    *spool.Log
	opened chan struct{} // closed when the first channel has come, or none will

	// filling is held by whoever changes the log, also while the disk works. It is taken
	// before mu.
	filling sync.Mutex
	closed  bool // nothing more is taken in; filling's

	mu    sync.Mutex
	asked bool  // a channel was asked for, or is there
	size  int64 // of the source when the first channel came
}

var errClosedMirror = errors.New("its attempt has ended")

func openOutputs(dir string, limit int64) (*outputs, error) {
	o := &outputs{dir: filepath.Join(dir, "output"), limit: limit, mirrors: map[octaskly.AttemptID]*mirror{}}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the directory for output: %w", err)
	}
	return o, nil
}

// path is where an attempt's long output is kept.
func (o *outputs) path(id octaskly.AttemptID) string { return filepath.Join(o.dir, o.name(id)) }

func (o *outputs) name(id octaskly.AttemptID) string {
	return filepath.Join(id.Job.String(), fmt.Sprintf("%d.%d", id.Index, id.Number))
}

// file opens the kept output of an attempt that has ended.
func (o *outputs) file(id octaskly.AttemptID) (io.ReadCloser, error) {
	f, err := os.Open(o.path(id))
	if os.IsNotExist(err) {
		return nil, &goneError{fmt.Sprintf("the output of attempt %v is no longer kept (retention)", id)}
	}
	return f, err
}

func (o *outputs) find(id octaskly.AttemptID) *mirror {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mirrors[id]
}

// get finds an attempt's mirror, or makes one that goes on with what an earlier
// process has received.
func (o *outputs) get(id octaskly.AttemptID) (*mirror, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m := o.mirrors[id]; m != nil {
		return m, nil
	}
	path := o.path(id)
	options := spool.Options{Path: path, Limit: o.limit, Paced: true}
	log, err := spool.Open(path, options)
	if errors.Is(err, fs.ErrNotExist) {
		os.MkdirAll(filepath.Dir(path), 0o700) // should this fail, the log says so
		log, err = spool.Create(options), nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the output of attempt %v: %w", id, err)
	}
	m := &mirror{log: log, opened: make(chan struct{})}
	o.mirrors[id] = m
	return m, nil
}

// end closes the mirror of an attempt that is over. Where the end came with its
// output, inline is all of it: what the mirror lacks is added for those who
// still read, and its file is not kept.
func (o *outputs) end(id octaskly.AttemptID, inline []byte, keep bool) {
	m := o.find(id)
	if m == nil {
		return
	}
	m.filling.Lock()
	defer m.filling.Unlock()
	if at := m.log.Resume(); at < int64(len(inline)) {
		m.log.WriteFramed(inline[at:]) // corrupt output is refused, and cut there
	}
	m.closed = true
	m.log.Close()
	m.open(m.log.Size())
	if keep {
		o.kept.add(o.name(id), m.log.Size())
	} else {
		m.log.Remove()
	}
	o.mu.Lock()
	delete(o.mirrors, id) // not before: what is no mirror is one of the files that a sweep counts
	o.mu.Unlock()
	if !keep {
		o.prune(id.Job)
	}
}

// receive copies a channel to its mirror until the channel ends, and makes the mirror
// durable: who settles it does not wait for the disk.
func (o *outputs) receive(id octaskly.AttemptID, from, size int64, r io.Reader) error {
	m := o.find(id)
	if m == nil {
		return fmt.Errorf("nobody asked for output of attempt %v", id)
	}
	defer m.interrupt()
	if at, ok := m.accept(from, size); !ok {
		return fmt.Errorf("output of attempt %v comes from byte %d, want %d", id, from, at)
	}
	_, err := io.Copy(m, r)
	if errors.Is(err, errClosedMirror) {
		return nil
	}
	return errors.Join(err, m.sync())
}

// begin says from where output is to be fetched; not ok when that is under way.
func (m *mirror) begin() (from int64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked {
		return 0, false
	}
	m.asked = true
	return m.log.Resume(), true
}

// interrupt says that the channel is gone through which output came.
func (m *mirror) interrupt() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = false
}

func (m *mirror) accept(from, size int64) (at int64, ok bool) {
	m.filling.Lock()
	defer m.filling.Unlock()
	m.open(size)
	at = m.log.Resume()
	return at, at == from
}

// open lets readers begin.
func (m *mirror) open(size int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.opened:
	default:
		m.size = size
		close(m.opened)
	}
}

// Write takes framed output in.
func (m *mirror) Write(p []byte) (int, error) {
	m.filling.Lock()
	defer m.filling.Unlock()
	if m.closed {
		return 0, errClosedMirror
	}
	return m.log.WriteFramed(p)
}

// sync makes durable what is on disk. An error is told again to who settles.
func (m *mirror) sync() error {
	m.filling.Lock()
	defer m.filling.Unlock()
	return m.log.Sync()
}

// settle makes the mirror durable and says how much of want bytes is missing.
// An error is the disk's.
func (m *mirror) settle(want int64) (missing int64, err error) {
	m.filling.Lock()
	defer m.filling.Unlock()
	if missing = want - m.log.Resume(); missing > 0 {
		return missing, m.log.Err()
	}
	if err := m.log.Flush(); err != nil {
		return want - m.log.Size(), err
	}
	return want - m.log.Size(), m.log.Sync()
}

// reader follows the mirror until its attempt ends or, unless it is to go on,
// to what is there: what the worker had when it was first asked, or has sent since.
func (m *mirror) reader(ctx context.Context, goOn bool) (io.ReadCloser, error) {
	select {
	case <-m.opened:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r := m.log.Reader(ctx, 0, true)
	if goOn {
		return r, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return limited{io.LimitReader(r, max(m.size, m.log.Size())), r}, nil
}

type limited struct {
	io.Reader
	io.Closer
}
