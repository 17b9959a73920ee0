package api

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

// outputRequest is what is wanted of GET /api/v1/tasks/{id}/output: framed output;
// or the bytes of one stream; or events.
type outputRequest struct {
	id      octaskly.TaskID
	attempt int
	follow  bool
	from    int64        // framed offset
	only    spool.Stream // 0: both
	part    string       // the header Range
	events  bool
}

// lastEvent is the header of a reader of events that has lost its connection.
const lastEvent = "Last-Event-ID"

func (r *request) outputRequest() outputRequest {
	q := outputRequest{
		id: r.task(), follow: r.flag("follow"), events: r.wantsEvents(),
		attempt: int(r.number("attempt", 1, maxNumber, 0)), from: r.number("from", 0, maxNumber, 0),
	}
	if r.values.Has("stream") {
		var err error
		q.only, err = spool.ParseStream(shorten(r.values.Get("stream")))
		r.blame("stream", err)
	}
	switch last := r.Header.Get(lastEvent); {
	case q.events && last != "":
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			r.blame(lastEvent, errors.New("it is none of the ids of these events"))
		}
		q.from = n
	case q.raw() && q.from != 0:
		r.blame("from", errors.New("it counts framed output; with stream, use the header Range"))
	case q.raw() && !q.follow && r.Header.Get("If-Range") == "":
		q.part = r.Header.Get("Range")
	}
	return q
}

// raw reports whether the answer is the bytes of one stream.
func (q outputRequest) raw() bool { return q.only != 0 && !q.events }

// copy opens the output, once or twice, and answers with it.
func (q outputRequest) copy(w stream, open func() (io.ReadCloser, error)) error {
	whole := span{length: -1}
	if part, ok := parseRange(q.part); ok {
		size, err := q.measure(open)
		if err != nil {
			return err
		}
		if whole, err = part.of(w, size); err != nil {
			return err
		}
	}
	output, err := open()
	if err != nil {
		return err
	}
	defer output.Close()
	switch {
	case q.events:
		return outputEvents(w, output, q)
	case q.raw():
		return q.copyRaw(w, output, whole)
	}
	return copyOutput(w, output, q.from, q.follow)
}

// measure reads all of the output to find out how much there is of the stream.
func (q outputRequest) measure(open func() (io.ReadCloser, error)) (int64, error) {
	output, err := open()
	if err != nil {
		return 0, err
	}
	defer output.Close()
	var size int64
	for d := spool.NewDecoder(output); ; {
		c, err := d.Next()
		if err != nil {
			return size, ignoreEOF(err)
		}
		if c.Stream == q.only {
			size += int64(len(c.Data))
		}
	}
}

// copyRaw writes the span of the stream that is asked for.
func (q outputRequest) copyRaw(w stream, output io.Reader, s span) error {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Accept-Ranges", "bytes")
	if s.length >= 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(s.length, 10))
		w.WriteHeader(http.StatusPartialContent)
	}
	if err := w.begin(q.follow); err != nil {
		return err
	}
	for d := spool.NewDecoder(output); s.length != 0; {
		c, err := d.Next()
		if err != nil {
			return s.end(err)
		}
		if c.Stream != q.only {
			continue
		}
		if data := s.take(c.Data); len(data) > 0 {
			if _, err := w.Write(data); err != nil {
				return err
			}
			if err := w.begin(q.follow); err != nil {
				return err
			}
		}
	}
	return nil
}
