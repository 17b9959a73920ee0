package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestParseSelection(t *testing.T) {
	span := octaskly.Span
	tests := []struct {
		text string
		want Selection
	}{
		{"last", Selection{Last: true}},
		{"all", Selection{All: true}},
		{"42", Selection{Jobs: span(42, 42)}},
		{"9223372036854775807", Selection{Jobs: span(1<<63-1, 1<<63-1)}},
		{"1-3", Selection{Jobs: span(1, 3)}},
		{"1-10:2,15", Selection{Jobs: octaskly.Ranges{{Lo: 1, Hi: 9, Step: 2}, {Lo: 15, Hi: 15, Step: 1}}}},
		{"42.0", Selection{Jobs: span(42, 42), Elements: span(0, 0)}},
		{"42.7", Selection{Jobs: span(42, 42), Elements: span(7, 7)}},
		{"42.3-7,9", Selection{Jobs: span(42, 42), Elements: octaskly.Ranges{{Lo: 3, Hi: 7, Step: 1}, {Lo: 9, Hi: 9, Step: 1}}}},
	}
	for _, tt := range tests {
		got, err := ParseSelection(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", tt.text, err, diff)
		}
	}
}

func TestParseSelectionErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":       `cannot read selector "": `,
		"0":      "the ids of jobs begin at 1",
		"0-5":    "the ids of jobs begin at 1",
		"5-1":    "it ends before it begins",
		"1-3.5":  "elements are those of one job",
		"1,2.5":  "elements are those of one job",
		"42.":    `"" is not a number`,
		".7":     `"" is not a number`,
		"42.7.1": `"7.1" is not a number`,
		"1,1":    "they overlap",
		"Last":   `"Last" is not a number`,
		"all,1":  `"all" is not a number`,
		"-1":     `"" is not a number`,
		"+1":     `"+1" is not a number`,
		"1 2":    `"1 2" is not a number`,
		"１":      `"１" is not a number`,
	} {
		got, err := ParseSelection(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), selectorHelp) {
			t.Errorf("%q: %+v, %v; want %s", text, got, err, want)
		}
	}
}

// FuzzParseSelection holds every selection to its rules, and to its own text.
func FuzzParseSelection(f *testing.F) {
	for _, seed := range []string{"42", "42.7", "42.3-7", "1-10:2,15", "last", "all", "0", "1,,2", "1.2.3", "9999999999.1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSelection(text)
		if err != nil {
			return
		}
		if s.Last || s.All {
			if s.Jobs != nil || s.Elements != nil || s.Last && s.All {
				t.Fatalf("%q: %+v", text, s)
			}
			return
		}
		if s.Jobs.Count() < 1 || s.Jobs.Contains(0) || s.Elements != nil && s.Jobs.Count() != 1 {
			t.Fatalf("%q: %+v", text, s)
		}
		again := s.Jobs.String()
		if s.Elements != nil {
			again = fmt.Sprintf("%v.%v", s.Jobs, s.Elements)
		}
		back, err := ParseSelection(again)
		if diff := cmp.Diff(s, back); diff != "" || err != nil {
			t.Fatalf("%q and %q: %v\n%s", text, again, err, diff)
		}
	})
}
