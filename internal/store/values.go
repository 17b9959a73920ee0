package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// micros is how a time is stored: microseconds since 1970 in UTC, 0 for the
// zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// malformed is an error about a value that no program of ours has written.
type malformed struct{ error }

func (m *malformed) Unwrap() error { return m.error }

// moment scans what micros gave.
type moment struct{ to *time.Time }

// Scan implements sql.Scanner.
func (m moment) Scan(value any) error {
	n, ok := value.(int64)
	if !ok {
		return &malformed{fmt.Errorf("cannot read a time: it is %T", value)}
	}
	*m.to = fromMicros(n)
	return nil
}

// state scans a task's state, or 0 where an outer join has found none.
type state struct{ to *octaskly.State }

// Scan implements sql.Scanner.
func (s state) Scan(value any) error {
	n, ok := value.(int64)
	if !ok || n < 0 || n > int64(octaskly.Cancelled) {
		return &malformed{fmt.Errorf("cannot read a state: it is %v", value)}
	}
	*s.to = octaskly.State(n)
	return nil
}

// count scans how many there are of something.
type count struct{ to *int64 }

// Scan implements sql.Scanner.
func (c count) Scan(value any) error {
	n, ok := value.(int64)
	if !ok || n < 0 {
		return &malformed{fmt.Errorf("cannot read how many there are: it is %v", value)}
	}
	*c.to = n
	return nil
}

// ranges scans what octaskly.Ranges.String gave.
type ranges struct{ to *octaskly.Ranges }

// Scan implements sql.Scanner.
func (r ranges) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return &malformed{fmt.Errorf("cannot read ranges: they are %T", value)}
	}
	*r.to = nil
	for text != "" {
		var part string
		part, text = cutList(text)
		some, err := octaskly.ParseRanges(part)
		if err != nil {
			return &malformed{err}
		}
		*r.to = append(*r.to, some...)
	}
	return nil
}

// maxPart is below what octaskly.ParseRanges takes at once: a bound for people,
// who may cancel that many elements again and again.
const maxPart = 500

// cutList cuts a list after maxPart of its items.
func cutList(text string) (part, rest string) {
	end := 0
	for range maxPart {
		comma := strings.IndexByte(text[end:], ',')
		if comma < 0 {
			return text, ""
		}
		end += comma + 1
	}
	return text[:end-1], text[end:]
}

// bytesOf is what a column takes that is never NULL.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// some scans bytes; none are nil.
type some struct{ to *[]byte }

// Scan implements sql.Scanner.
func (s some) Scan(value any) error {
	b, ok := value.([]byte)
	if !ok {
		return &malformed{fmt.Errorf("cannot read bytes: they are %T", value)}
	}
	*s.to = append([]byte(nil), b...)
	return nil
}

// document scans JSON.
type document struct{ to any }

// Scan implements sql.Scanner.
func (d document) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return &malformed{fmt.Errorf("cannot read JSON: it is %T", value)}
	}
	if err := json.Unmarshal([]byte(text), d.to); err != nil {
		return &malformed{err}
	}
	return nil
}
