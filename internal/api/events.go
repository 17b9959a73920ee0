package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strconv"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

// EventType is the content type of server-sent events. A stream of them that is
// complete ends in an event "end".
const EventType = "text/event-stream"

// wantsEvents reads the header Accept.
func (r *request) wantsEvents() bool {
	for _, header := range r.Header.Values("Accept") {
		for item := range strings.SplitSeq(header, ",") {
			if kind, _, _ := mime.ParseMediaType(item); kind == EventType {
				return true
			}
		}
	}
	return false
}

// sendEvent writes an event of one line of JSON.
func (s stream) sendEvent(name, id string, data any) error {
	line, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	if _, err := fmt.Fprintf(s, "event: %s\n%sdata: %s\n\n", name, id, line); err != nil {
		return err
	}
	return s.Flush()
}

func (s stream) endEvents() error { return s.sendEvent("end", "", struct{}{}) }

// jobEvents sends the states of a job. The id of an event is made of the state: who
// has seen the present one does not get it again, and only learns that he is served.
func jobEvents(w *answer, seen string) (yield func(*Job) error, end func() error) {
	w.Header().Set("Content-Type", EventType)
	s := stream{w}
	yield = func(job *Job) error {
		line, err := json.Marshal(job)
		id := strings.Trim(tagOf(line), `"`)
		if err != nil {
			return err
		}
		if id == seen {
			return s.Flush()
		}
		seen = ""
		return s.sendEvent("job", id, job)
	}
	return yield, s.endEvents
}

// Piece is the data of the events "stdout" and "stderr" of an output. The id of
// an event is the framed offset at which what follows it begins.
type Piece struct {
	Data Text `json:"data"`
}

// Gap is the data of the event "discarded".
type Gap struct {
	Stream string `json:"stream"`
	Bytes  int64  `json:"bytes"` // of the stream, so far
}

func outputEvents(s stream, output io.Reader, q outputRequest) error {
	s.Header().Set("Content-Type", EventType)
	if err := s.begin(q.follow); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, output, q.from); err != nil && err != io.EOF {
		return err
	}
	at := q.from
	for d := spool.NewDecoder(output); ; {
		c, err := d.Next()
		switch {
		case err == io.EOF:
			return s.endEvents()
		case errors.Is(err, spool.ErrCorrupt) && at == q.from && at > 0:
			return &octaskly.FieldError{Field: "from", Why: "nothing of the output begins there"}
		case err != nil:
			return err
		}
		at += framedSize(c)
		if q.only != 0 && c.Stream != q.only {
			continue
		}
		if err := s.sendChunk(c, strconv.FormatInt(at, 10)); err != nil {
			return err
		}
	}
}

func (s stream) sendChunk(c spool.Chunk, id string) error {
	if c.Mark() {
		return s.sendEvent("discarded", id, Gap{c.Stream.String(), c.Discarded})
	}
	return s.sendEvent(c.Stream.String(), id, Piece{Text(c.Data)})
}

// framedSize is what a chunk takes of the framed form that package spool describes.
func framedSize(c spool.Chunk) int64 {
	const head, mark = 5, 8
	if c.Mark() {
		return head + mark
	}
	return head + int64(len(c.Data))
}
