package store

import (
	"bytes"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// eventBody is the events of one commit. What many of them have in common, as the
// names of workers, it has once.
type eventBody struct {
	At     int64         `cbor:"1,keyasint"` // microseconds since 1970, of the first
	Words  []string      `cbor:"2,keyasint,omitempty"`
	Events []storedEvent `cbor:"3,keyasint"`
}

// storedEvent has numbers of Words, from 1, for words.
type storedEvent struct {
	Seq      int64           `cbor:"1,keyasint,omitempty"` // after that of the one before
	At       int64           `cbor:"2,keyasint,omitempty"` // after the body's
	Kind     uint8           `cbor:"3,keyasint"`
	Owner    int             `cbor:"4,keyasint,omitempty"`
	Job      int64           `cbor:"5,keyasint,omitempty"`
	Array    bool            `cbor:"6,keyasint,omitempty"`
	Index    int64           `cbor:"7,keyasint,omitempty"`
	Elements octaskly.Ranges `cbor:"8,keyasint,omitempty"`
	Attempt  int             `cbor:"9,keyasint,omitempty"`
	Worker   int             `cbor:"10,keyasint,omitempty"`
	Name     int             `cbor:"11,keyasint,omitempty"`
	State    uint8           `cbor:"12,keyasint,omitempty"`
	Why      uint8           `cbor:"13,keyasint,omitempty"`
	Reason   int             `cbor:"14,keyasint,omitempty"`
	Detail   int             `cbor:"15,keyasint,omitempty"`
	Limit    int64           `cbor:"16,keyasint,omitempty"`
	Peak     int64           `cbor:"17,keyasint,omitempty"`
}

var (
	encodeBody = must(cbor.EncOptions{}.UserBufferEncMode())
	decodeBody = must(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: 8, MaxArrayElements: 1 << 20, MaxMapPairs: 64,
		IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, UTF8: cbor.UTF8DecodeInvalid,
	}.DecMode())
)

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err) // only options that contradict each other are an error
	}
	return mode
}

// eventWriter encodes events, with memory that it uses again.
type eventWriter struct {
	rows  *statement
	body  eventBody
	words map[string]int
	bytes bytes.Buffer
}

// encode makes a body of events, of which there is one. It is good until the next.
func (w *eventWriter) encode(events []octaskly.Event) ([]byte, error) {
	w.body = eventBody{At: micros(events[0].At), Words: w.body.Words[:0], Events: w.body.Events[:0]}
	if w.words == nil {
		w.words = map[string]int{}
	}
	clear(w.words)
	before := events[0].Seq
	for i := range events {
		e := &events[i]
		w.body.Events = append(w.body.Events, storedEvent{
			Seq: e.Seq - before, At: micros(e.At) - w.body.At, Kind: uint8(e.Kind),
			Owner: w.word(e.Owner), Job: int64(e.Job), Array: e.Array, Index: e.Index, Elements: e.Elements, Attempt: e.Attempt,
			Worker: w.word(string(e.Worker)), Name: w.word(e.WorkerName), State: uint8(e.State), Why: uint8(e.Why),
			Reason: w.word(string(e.Reason)), Detail: w.word(e.Detail), Limit: e.Limit, Peak: e.Peak,
		})
		before = e.Seq
	}
	w.bytes.Reset()
	err := encodeBody.MarshalToBuffer(&w.body, &w.bytes)
	return w.bytes.Bytes(), err
}

func (w *eventWriter) word(text string) int {
	if text == "" {
		return 0
	}
	n, known := w.words[text]
	if !known {
		w.body.Words = append(w.body.Words, text)
		n = len(w.body.Words)
		w.words[text] = n
	}
	return n
}

// put writes the events of a commit.
func (w *eventWriter) put(events []octaskly.Event) error {
	if len(events) == 0 {
		return nil
	}
	body, err := w.encode(events)
	if err != nil {
		return err
	}
	return w.rows.exec(events[len(events)-1].Seq, events[0].Seq, body)
}

// decodeEvents reads a row. It returns an error for what no program of ours has
// written.
func decodeEvents(first, last int64, data []byte) ([]octaskly.Event, error) {
	var body eventBody
	if err := decodeBody.Unmarshal(data, &body); err != nil {
		return nil, &malformed{fmt.Errorf("cannot read events: %w", err)}
	}
	events := make([]octaskly.Event, len(body.Events))
	seq := first
	for i := range body.Events {
		if seq += body.Events[i].Seq; i > 0 && body.Events[i].Seq < 1 || seq > last || seq < first {
			return nil, &malformed{fmt.Errorf("cannot read events: number %d does not ascend", i)}
		}
		e, err := body.event(&body.Events[i])
		if err != nil {
			return nil, &malformed{fmt.Errorf("cannot read event %d: %w", i, err)}
		}
		e.Seq = seq
		events[i] = e
	}
	if len(events) == 0 || seq != last || body.Events[0].Seq != 0 {
		return nil, &malformed{fmt.Errorf("cannot read events: they are not those from %d to %d", first, last)}
	}
	return events, nil
}

func (b *eventBody) event(s *storedEvent) (e octaskly.Event, err error) {
	e = octaskly.Event{
		At: fromMicros(b.At + s.At), Kind: octaskly.EventKind(s.Kind), Job: octaskly.JobID(s.Job), Array: s.Array,
		Index: s.Index, Elements: s.Elements, Attempt: s.Attempt,
		State: octaskly.State(s.State), Why: octaskly.Why(s.Why), Limit: s.Limit, Peak: s.Peak,
	}
	var worker, reason string
	for _, w := range []struct {
		to *string
		n  int
	}{{&e.Owner, s.Owner}, {&worker, s.Worker}, {&e.WorkerName, s.Name}, {&reason, s.Reason}, {&e.Detail, s.Detail}} {
		if w.n < 0 || w.n > len(b.Words) {
			return e, fmt.Errorf("it has no word %d", w.n)
		}
		if w.n > 0 {
			*w.to = b.Words[w.n-1]
		}
	}
	e.Worker, e.Reason = octaskly.WorkerID(worker), octaskly.Reason(reason)
	if !e.Kind.Known() || !e.Why.Known() || e.State > octaskly.Cancelled || e.Job < 0 || e.Index < 0 || !e.Elements.Valid() {
		return e, fmt.Errorf("nothing like it can happen")
	}
	return e, nil
}
