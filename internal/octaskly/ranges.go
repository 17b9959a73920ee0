package octaskly

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Range is the indices Lo, Lo+Step, … up to Hi, which is one of them.
type Range struct {
	Lo   Index `cbor:"1,keyasint"`
	Hi   Index `cbor:"2,keyasint"`
	Step Index `cbor:"3,keyasint"`
}

// Count is the number of indices in r.
func (r Range) Count() int64 { return (r.Hi-r.Lo)/r.Step + 1 }

// valid is false of what no program of ours writes: its methods would fail.
func (r Range) valid() bool {
	return r.Step >= 1 && r.Step <= MaxIndex && r.Lo >= 0 && r.Lo <= r.Hi && r.Hi <= MaxIndex
}

func (r Range) contains(i Index) bool {
	return i >= r.Lo && i <= r.Hi && (i-r.Lo)%r.Step == 0
}

func (r Range) String() string {
	text := strconv.FormatInt(r.Lo, 10)
	if r.Hi > r.Lo {
		text += "-" + strconv.FormatInt(r.Hi, 10)
		if r.Step > 1 {
			text += ":" + strconv.FormatInt(r.Step, 10)
		}
	}
	return text
}

// Ranges is a set of indices: ascending ranges whose spans do not overlap.
// A million indices in a row are one Range. Values are never changed in place.
type Ranges []Range

const (
	// MaxElements bounds the elements of one job.
	MaxElements = 10_000_000
	// maxRanges bounds what a text may name, so that no input makes a long list.
	maxRanges = 900
	// MaxPieces bounds the ranges that a job's elements may fall apart into.
	MaxPieces = 10_000
)

// Span is the set of all indices from lo to hi.
func Span(lo, hi Index) Ranges { return Ranges{{Lo: lo, Hi: hi, Step: 1}} }

// ParseRanges reads "0-99", "0-99:2", "7" and lists of them: "1-10:2,15".
func ParseRanges(text string) (Ranges, error) {
	parts := strings.Split(text, ",")
	if len(parts) > maxRanges {
		return nil, fmt.Errorf("cannot read ranges: more than %d of them", maxRanges)
	}
	set := make(Ranges, 0, len(parts))
	for _, part := range parts {
		r, err := parseRange(part)
		if err != nil {
			return nil, fmt.Errorf("cannot read range %q: %w", part, err)
		}
		set = append(set, r)
	}
	return set.normal()
}

func parseRange(text string) (Range, error) {
	span, step, stepped := strings.Cut(text, ":")
	lo, hi, wide := strings.Cut(span, "-")
	r := Range{Step: 1}
	var err error
	if r.Lo, err = parseNumber(lo, MaxIndex); err != nil {
		return r, err
	}
	r.Hi = r.Lo
	if wide {
		if r.Hi, err = parseNumber(hi, MaxIndex); err != nil {
			return r, err
		}
	}
	if r.Hi < r.Lo {
		return r, fmt.Errorf("it ends before it begins")
	}
	if stepped {
		if r.Step, err = parseNumber(step, MaxIndex); err != nil {
			return r, err
		}
		if !wide || r.Step == 0 {
			return r, fmt.Errorf("a step needs a range and is at least 1, as in 0-99:2")
		}
	}
	return r.normal(), nil
}

func (r Range) normal() Range {
	r.Hi -= (r.Hi - r.Lo) % r.Step
	if r.Hi == r.Lo {
		r.Step = 1
	}
	return r
}

// normal sorts the set and joins neighbours. Ranges that overlap are refused:
// whoever names an index twice has most likely mistyped it.
func (s Ranges) normal() (Ranges, error) {
	slices.SortFunc(s, func(a, b Range) int { return int(a.Lo - b.Lo) })
	out := s[:0:0]
	for _, r := range s {
		if len(out) == 0 {
			out = append(out, r)
			continue
		}
		last := &out[len(out)-1]
		switch {
		case r.Lo <= last.Hi:
			return nil, fmt.Errorf("cannot use ranges %v and %v together: they overlap", *last, r)
		case r.Step == 1 && last.Step == 1 && r.Lo == last.Hi+1:
			last.Hi = r.Hi
		default:
			out = append(out, r)
		}
	}
	return out, nil
}

func (s Ranges) String() string {
	parts := make([]string, len(s))
	for i, r := range s {
		parts[i] = r.String()
	}
	return strings.Join(parts, ",")
}

// MarshalText gives what ParseRanges reads; the empty set is the empty text.
func (s Ranges) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s *Ranges) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*s = nil
		return nil
	}
	*s, err = ParseRanges(string(text))
	return err
}

// Count is the number of indices in the set.
func (s Ranges) Count() int64 {
	var n int64
	for _, r := range s {
		n += r.Count()
	}
	return n
}

// Contains reports whether i is in the set.
func (s Ranges) Contains(i Index) bool {
	at, _ := slices.BinarySearchFunc(s, i, func(r Range, i Index) int { return int(r.Hi - i) })
	return at < len(s) && s[at].contains(i)
}

// Take splits off the n lowest indices.
func (s Ranges) Take(n int64) (taken, rest Ranges) {
	for at, r := range s {
		if n <= 0 {
			return taken, s[at:]
		}
		if c := r.Count(); c <= n {
			taken, n = append(taken, r), n-c
			continue
		}
		cut := r.Lo + n*r.Step
		taken = append(taken, Range{r.Lo, cut - r.Step, r.Step}.normal())
		rest = append(Ranges{Range{cut, r.Hi, r.Step}.normal()}, s[at+1:]...)
		return taken, rest
	}
	return taken, nil
}

// Cut splits the set into the indices that are from lo to hi and the others.
func (s Ranges) Cut(lo, hi Index) (inside, outside Ranges) {
	below, rest := s.splitAt(lo)
	inside, above := rest.splitAt(hi + 1)
	return inside, append(slices.Clip(below), above...)
}

// splitAt divides the set into the indices below i and the others.
func (s Ranges) splitAt(i Index) (below, rest Ranges) {
	var n int64
	for _, r := range s {
		if r.Lo >= i {
			break
		}
		n += (min(r.Hi, i-1)-r.Lo)/r.Step + 1
	}
	return s.Take(n)
}

// Minus is the set without the indices of other.
func (s Ranges) Minus(other Ranges) Ranges {
	_, outside := s.Divide(other)
	return outside
}

// Divide splits the set into the indices that are in other and the rest.
func (s Ranges) Divide(other Ranges) (inside, outside Ranges) {
	outside = s
	for _, r := range other {
		among, others := outside.Cut(r.Lo, r.Hi)
		if r.Step > 1 && len(among) > 0 {
			missed := among.where(func(i Index) bool { return !r.contains(i) })
			among = among.where(r.contains)
			others = others.Union(missed)
		}
		inside, outside = append(inside, among...), others
	}
	return inside, outside
}

// Union is the indices of both sets, which have none in common.
func (s Ranges) Union(other Ranges) Ranges {
	both := append(slices.Clone(s), other...)
	if joined, err := both.normal(); err == nil {
		return joined
	}
	var all []Index // spans interleave, as those of 0-98:2 and 1-99:2 do
	for _, r := range both {
		Ranges{r}.Each(func(i Index) bool { all = append(all, i); return true })
	}
	slices.Sort(all)
	return compress(all)
}

// where is the indices of s for which keep is true.
func (s Ranges) where(keep func(Index) bool) Ranges {
	var left []Index
	s.Each(func(i Index) bool {
		if keep(i) {
			left = append(left, i)
		}
		return true
	})
	return compress(left)
}

// compress makes ranges of ascending indices.
func compress(indices []Index) (s Ranges) {
	for _, i := range indices {
		if len(s) > 0 {
			last := &s[len(s)-1]
			if last.Lo == last.Hi {
				last.Step = i - last.Lo
			}
			if i == last.Hi+last.Step {
				last.Hi = i
				continue
			}
		}
		s = append(s, Range{Lo: i, Hi: i, Step: 1})
	}
	return s
}

// Each calls do for every index in ascending order until it returns false.
func (s Ranges) Each(do func(Index) bool) {
	for _, r := range s {
		for i := r.Lo; i <= r.Hi; i += r.Step {
			if !do(i) {
				return
			}
		}
	}
}

// Valid reports whether ranges that came from outside can be worked with.
func (r Ranges) Valid() bool {
	return !slices.ContainsFunc(r, func(one Range) bool { return !one.valid() })
}
