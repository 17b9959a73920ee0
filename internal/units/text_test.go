package units

import (
	"encoding"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// value is what every type of this package is.
type value interface {
	~int64
	encoding.TextMarshaler
	String() string
}

type parser[T value] func(string) (T, error)

// good lists texts and what they mean.
type good[T value] map[string]T

func (texts good[T]) check(t *testing.T, parse parser[T]) {
	t.Helper()
	for text, want := range texts {
		if got, err := parse(text); err != nil || got != want {
			t.Errorf("parse %q: got %d, %v, want %d", text, got, err, want)
		}
	}
}

// bad lists texts and a part of the error that they get.
type bad map[string]string

func checkBad[T value](t *testing.T, parse parser[T], texts bad, example string) {
	t.Helper()
	for text, want := range texts {
		got, err := parse(text)
		if err == nil {
			t.Errorf("parse %q: got %d, want an error", text, got)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), example) {
			t.Errorf("parse %q: error %q lacks %q or the example", text, err, want)
		}
		if len(text) <= maxText && !strings.Contains(err.Error(), text) {
			t.Errorf("parse %q: error %q does not name it", text, err)
		}
	}
}

// checkRoundTrip draws values from least up and reads back what they write.
func checkRoundTrip[T value](t *testing.T, parse parser[T], least int64) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		want := T(rapid.Int64Range(least, math.MaxInt64).Draw(t, "value"))
		text, err := want.MarshalText()
		if err != nil || string(text) != want.String() {
			t.Fatalf("MarshalText: got %q, %v, want %q", text, err, want)
		}
		if got, err := parse(string(text)); err != nil || got != want {
			t.Fatalf("parse %q: got %d, %v, want %d", text, got, err, want)
		}
	})
}

// fuzz checks that whatever parses is in range and reads back the same.
func fuzz[T value](f *testing.F, parse parser[T], least int64, seeds good[T]) {
	for text := range seeds {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := parse(text)
		if err != nil {
			return
		}
		if int64(want) < least {
			t.Fatalf("parse %q: got %d, below %d", text, want, least)
		}
		if got, err := parse(want.String()); err != nil || got != want {
			t.Fatalf("parse %q as %q: got %d, %v, want %d", text, want, got, err, want)
		}
	})
}

var long = strings.Repeat("1", maxText+1)
