package store

import (
	"bytes"
	"fmt"
	"slices"
)

// resolve finds out which of the rows that do not fit where they are were
// somewhere else, and which only come after one that does not belong there.
func (v *verifier) resolve() error {
	spots := append(slices.Clone(v.gaps), spot{v.last.seq + 1, v.last.hash})
	for _, t := range v.traces {
		spots = append(spots, t.spot)
	}
	var follow []int64 // rows that are what they were
	for i := range v.traces {
		t := &v.traces[i]
		at, err := v.origin(t, spots)
		if err != nil {
			return err
		}
		switch at {
		case 0:
		case t.seq:
			follow = append(follow, t.seq)
		default:
			t.why = fmt.Sprintf("reordered: it is the row that was number %d", at)
		}
	}
	v.traces = slices.DeleteFunc(v.traces, func(t trace) bool { return slices.Contains(follow, t.seq) })
	for _, seq := range follow {
		if !v.traced(seq-1) && !v.faulty(seq-1) {
			v.fault(seq-1, seq-1, foreignRow)
		}
	}
	return nil
}

func (v *verifier) traced(seq int64) bool {
	return slices.ContainsFunc(v.traces, func(t trace) bool { return t.seq == seq })
}

// origin is the place where a row fits, 0 where there is none. The row before it may
// be in its place, or be another one that does not fit where it is.
func (v *verifier) origin(t *trace, spots []spot) (seq int64, err error) {
	for _, p := range spots {
		row, err := encode(&t.row, p.seq)
		if err != nil {
			return 0, err
		}
		fits := func(before []byte) bool { return bytes.Equal(link(before, row), t.row.Hash) }
		if fits(p.before) || slices.ContainsFunc(v.traces, func(other trace) bool { return fits(other.row.Hash) }) {
			return p.seq, nil
		}
	}
	return 0, nil
}
