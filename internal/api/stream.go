package api

import (
	"io"
	"time"
)

// readerPatience is how long the reader of a stream may pause, as a user does
// who reads on in a pager.
const readerPatience = time.Hour

// stream is an answer that is written bit by bit.
type stream struct{ *answer }

func (s stream) Write(p []byte) (int, error) {
	s.extend()
	return s.answer.Write(p)
}

// extend gives the next write its time, also that of the stream's end: the
// deadline that the server set when the request came may have passed long ago.
func (s stream) extend() { s.SetWriteDeadline(time.Now().Add(readerPatience)) }

func (h *Handler) watch(w *answer, r *request) error {
	id := r.task()
	if r.bad != nil {
		return r.bad
	}
	ctx, end, err := streamContext(w, r)
	if err != nil {
		return err
	}
	defer end()
	events, whole := lines(w), func() error { return nil }
	if r.wantsEvents() {
		defer keepAlive(w)()
		events, whole = jobEvents(w, r.Header.Get(lastEvent))
	}
	err = h.dispatcher.Watch(ctx, r.who, id, events)
	stream{w}.extend()
	if err = whyEnded(ctx, err); err != nil {
		return err
	}
	return whole()
}

// lines writes one of JSON for each state of a job.
func lines(w *answer) func(*Job) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	to := encoder(stream{w})
	return func(job *Job) error {
		if err := to.Encode(job); err != nil {
			return err
		}
		return w.Flush()
	}
}

func (h *Handler) output(w *answer, r *request) error {
	how := r.outputRequest()
	if r.bad != nil {
		return r.bad
	}
	ctx, end, err := streamContext(w, r)
	if err != nil {
		return err
	}
	defer end()
	if how.events {
		defer keepAlive(w)()
	}
	open := func() (io.ReadCloser, error) { return h.dispatcher.Output(ctx, r.who, how.id, how.attempt, how.follow) }
	err = how.copy(stream{w}, open)
	stream{w}.extend()
	return whyEnded(ctx, err)
}

func copyOutput(w stream, output io.Reader, from int64, follow bool) error {
	w.Header().Set("Content-Type", OutputType)
	if err := w.begin(follow); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, output, from); err != nil {
		return ignoreEOF(err)
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := output.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if follow && n > 0 {
			if err := w.Flush(); err != nil {
				return err
			}
		}
		if err != nil {
			return ignoreEOF(err)
		}
	}
}

// begin lets a reader who follows know at once that he is being served.
func (s stream) begin(follow bool) error {
	if !follow {
		return nil
	}
	return s.Flush()
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
