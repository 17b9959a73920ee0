package tui

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

// output follows what a task writes until it is over.
func (f *feed) output(w outputWant) func(context.Context) {
	return func(ctx context.Context) {
		o := &following{of: w, bell: make(chan struct{}, 1), anew: true}
		f.spawn(func() { deliver(ctx, o.bell, func() bool { return f.send(ctx, o.take()) }) })
		for pause := firstPause; ; pause = min(pause+time.Second, mostPause) {
			err := o.follow(ctx, f.source)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				o.end()
				<-ctx.Done() // the lump is handed over yet
				return
			}
			if !f.send(ctx, failed{aboutOutput, err, f.now().Add(pause)}) || !wait(ctx, pause) {
				return
			}
		}
	}
}

// following is output that is read, and not handed over yet.
type following struct {
	of   outputWant
	bell chan struct{}
	mu   sync.Mutex

	streams   [2]ansi
	lines     []line
	discarded [2]int64
	anew      bool
	over      bool
}

// follow reads from the beginning to the end, over as many connections as that takes.
func (o *following) follow(ctx context.Context, source Source) error {
	id, err := octaskly.ParseTaskID(o.of.task)
	if err != nil {
		return err
	}
	r := &resumed{ctx: ctx, source: source, id: id}
	defer r.close()
	if err := r.open(); err != nil {
		return err
	}
	o.begin()
	for d := spool.NewDecoder(r); ; {
		c, err := d.Next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		o.add(c)
	}
}

func (o *following) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.streams, o.lines, o.discarded, o.anew = [2]ansi{}, nil, [2]int64{}, true
}

func (o *following) add(c spool.Chunk) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	if c.Stream == spool.Stderr {
		n = 1
	}
	if c.Mark() {
		o.discarded[n] = c.Discarded
	}
	o.streams[n].write(c.Data, func(l line) { o.lines = append(o.lines, l) })
	if over := len(o.lines) - maxLines; over > 0 {
		o.lines = append(o.lines[:0], o.lines[over:]...)
	}
	ring(o.bell)
}

func (o *following) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	ring(o.bell)
}

func (o *following) take() gotOutput {
	o.mu.Lock()
	defer o.mu.Unlock()
	got := gotOutput{of: o.of, lines: o.lines, discarded: o.discarded[0] + o.discarded[1], anew: o.anew, over: o.over}
	for i := range o.streams {
		if rest := o.streams[i].rest(); len(rest) > 0 {
			got.open = append(got.open, rest)
		}
	}
	o.lines, o.anew = nil, false
	return got
}

// resumed goes on where the connection was cut.
type resumed struct {
	ctx    context.Context
	source Source
	id     octaskly.TaskID
	read   int64
	now    io.ReadCloser
}

func (r *resumed) open() (err error) {
	r.now, err = r.source.Output(r.ctx, r.id, client.OutputOptions{Follow: true, From: r.read})
	return err
}

func (r *resumed) Read(p []byte) (int, error) {
	for {
		n, err := r.now.Read(p)
		r.read += int64(n)
		if n > 0 || !errors.Is(err, client.ErrCut) {
			return n, err
		}
		if r.close(); !wait(r.ctx, firstPause) {
			return 0, r.ctx.Err()
		}
		for r.open() != nil { // until it is back, or nobody wants it any more
			if !wait(r.ctx, mostPause) {
				return 0, r.ctx.Err()
			}
		}
	}
}

func (r *resumed) close() {
	if r.now != nil {
		r.now.Close()
		r.now = nil
	}
}
