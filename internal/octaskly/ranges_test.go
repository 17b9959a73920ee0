package octaskly

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestParseRanges(t *testing.T) {
	for _, test := range []struct{ in, out, err string }{
		{in: "7", out: "7"},
		{in: "0-99", out: "0-99"},
		{in: "0-99:2", out: "0-98:2"},
		{in: "0-99:100", out: "0"},
		{in: "5-9,0-4", out: "0-9"},
		{in: "1-10:2,15", out: "1-9:2,15"},
		{in: "1_000-1_001", out: "1000-1001"},
		{in: "", err: `cannot read range "": "" is not a number`},
		{in: "a", err: `cannot read range "a": "a" is not a number`},
		{in: "9-1", err: `cannot read range "9-1": it ends before it begins`},
		{in: "1-9:0", err: `cannot read range "1-9:0": a step needs a range and is at least 1, as in 0-99:2`},
		{in: "1:2", err: `cannot read range "1:2": a step needs a range and is at least 1, as in 0-99:2`},
		{in: "1-5,3-9", err: "cannot use ranges 1-5 and 3-9 together: they overlap"},
		{in: "-5", err: `cannot read range "-5": "" is not a number`},
		{in: "1000000000", err: `cannot read range "1000000000": 1000000000 is more than 999999999`},
	} {
		s, err := ParseRanges(test.in)
		if err != nil && err.Error() != test.err || err == nil && (test.err != "" || s.String() != test.out) {
			t.Errorf("ParseRanges(%q) = %v, %v; want %v, %v", test.in, s, err, test.out, test.err)
		}
	}
}

// A set of ranges behaves like the plain set of its indices.
func TestRangesAreSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, in := drawRanges(t, "s")
		if got := s.indices(); !slices.Equal(got, in) || s.Count() != int64(len(in)) {
			t.Fatalf("%v holds %v, want %v", s, got, in)
		}
		n := rapid.Int64Range(0, 60).Draw(t, "n")
		taken, rest := s.Take(n)
		check(t, "taken", taken, in[:min(int(n), len(in))])
		check(t, "rest", rest, in[min(int(n), len(in)):])

		lo, hi := rapid.Int64Range(0, 60).Draw(t, "lo"), rapid.Int64Range(0, 60).Draw(t, "hi")
		inside, outside := s.Cut(lo, hi)
		between := func(i Index) bool { return i >= lo && i <= hi }
		check(t, "inside", inside, only(in, between))
		check(t, "outside", outside, only(in, func(i Index) bool { return !between(i) }))

		other, _ := drawRanges(t, "other")
		minus := s.Minus(other)
		check(t, "minus", minus, only(in, func(i Index) bool { return !other.Contains(i) }))
		check(t, "union", minus.Union(s.Minus(minus)), in)
		check(t, "s itself", s, in)

		var back Ranges
		text, _ := s.MarshalText()
		if err := back.UnmarshalText(text); err != nil || !slices.Equal(back.indices(), in) {
			t.Fatalf("%q reads as %v, %v", text, back, err)
		}
	})
}

func drawRanges(t *rapid.T, label string) (Ranges, []Index) {
	drawn := rapid.SliceOfDistinct(rapid.Int64Range(0, 50), func(i int64) int64 { return i }).Draw(t, label)
	slices.Sort(drawn)
	return compress(drawn), drawn
}

func (s Ranges) indices() (all []Index) {
	s.Each(func(i Index) bool { all = append(all, i); return true })
	return all
}

func only(all []Index, keep func(Index) bool) (some []Index) {
	for _, i := range all {
		if keep(i) {
			some = append(some, i)
		}
	}
	return some
}

func check(t *rapid.T, what string, s Ranges, want []Index) {
	t.Helper()
	if got := s.indices(); !slices.Equal(got, want) {
		t.Fatalf("%s: %v holds %v, want %v", what, s, got, want)
	}
	for i := Index(0); i <= 60; i++ {
		if s.Contains(i) != slices.Contains(want, i) {
			t.Fatalf("%s: Contains(%d) of %v is %v", what, i, s, s.Contains(i))
		}
	}
}

func FuzzParseRanges(f *testing.F) {
	f.Add("0-99:2,7")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseRanges(text)
		if err != nil {
			return
		}
		again, err := ParseRanges(s.String())
		if err != nil || !slices.Equal(s, again) {
			t.Fatalf("%q reads as %v, which reads as %v, %v", text, s, again, err)
		}
	})
}
