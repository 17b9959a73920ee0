package dispatcher

import (
	"context"
	"io"
)

// pipe is a reader of what fill writes. Closing it ends fill and waits for it.
func pipe(ctx context.Context, fill func(context.Context, io.Writer) error) io.ReadCloser {
	ctx, cancel := context.WithCancel(ctx)
	r, w := io.Pipe()
	p := &filled{PipeReader: r, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		w.CloseWithError(fill(ctx, w))
	}()
	return p
}

type filled struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   chan struct{} // closed when fill has returned
}

func (p *filled) Close() error {
	p.cancel()
	err := p.PipeReader.Close()
	<-p.done
	return err
}
