package store

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// verifier goes through the rows of the audit log in their order. It compares each
// with the hash that the row before it has, be that right: so a row that was edited
// is one fault, and those after it are none.
type verifier struct {
	report ActionReport
	noted  head
	anchor *octaskly.Action

	before, last checked // the row before the last, and the last
	traces       []trace
	gaps         []spot // the first row of each gap

	atNoted, atAnchor []byte // the hashes of these rows, nil: they are not there
}

// checked is a row that was looked at.
type checked struct {
	seq   int64
	hash  []byte // that it has
	right []byte // that it should have, where it has another
}

// spot is where a row may have been.
type spot struct {
	seq    int64
	before []byte // the hash of the row before
}

// trace is a row that does not fit where it is.
type trace struct {
	spot
	row octaskly.Action
	why string
}

// newVerifier begins after a base, where there is one.
func newVerifier(noted head, base *Base, anchor *octaskly.Action) *verifier {
	v := &verifier{noted: noted, anchor: anchor, last: checked{hash: make([]byte, sha256.Size)}}
	if base != nil {
		v.report.Base = base
		v.last = checked{seq: base.Seq, hash: base.Hash}
	}
	return v
}

// row looks at the next row.
func (v *verifier) row(a *octaskly.Action) error {
	if base := v.report.Base; base != nil && 1 <= a.Seq && a.Seq <= base.Seq {
		return nil // it is about to go
	}
	if v.report.Rows++; v.report.Rows == 1 {
		v.report.First = a.Seq
	}
	if a.Seq < 1 {
		v.fault(a.Seq, a.Seq, "put there by something else: no row has such a number")
		return nil
	}
	next := checked{seq: a.Seq, hash: a.Hash}
	if a.Seq != v.last.seq+1 {
		v.fault(v.last.seq+1, a.Seq-1, fmt.Sprintf("missing; without it row %d cannot be checked", a.Seq))
		if len(v.gaps) < maxFaults {
			v.gaps = append(v.gaps, spot{v.last.seq + 1, v.last.hash})
		}
	} else if err := v.compare(a, &next); err != nil {
		return err
	}
	v.before, v.last = v.last, next
	if a.Seq == v.noted.seq {
		v.atNoted = a.Hash
	}
	if v.anchor != nil && a.Seq == v.anchor.Seq {
		v.atAnchor = a.Hash
	}
	last := *a
	v.report.Last = &last
	return nil
}

// compare compares a row with its hash. Where it fits on what should be in the place
// of the row before, that alone is at fault.
func (v *verifier) compare(a *octaskly.Action, next *checked) error {
	row, err := encode(a, a.Seq)
	if err != nil {
		return err
	}
	right := link(v.last.hash, row)
	switch {
	case bytes.Equal(right, a.Hash):
	case v.last.right != nil && bytes.Equal(link(v.last.right, row), a.Hash):
		v.accuse(v.last.seq, "edited: its hash is not what was written")
	case v.before.hash != nil && bytes.Equal(link(v.before.hash, row), a.Hash):
		v.accuse(v.last.seq, foreignRow)
	default:
		next.right = right
		v.trace(a)
	}
	return nil
}

const foreignRow = "put there by something else"

// trace notes a row that does not fit.
func (v *verifier) trace(a *octaskly.Action) {
	if len(v.traces) == maxFaults {
		return
	}
	why := "edited"
	if a.Seq > 1 {
		why = fmt.Sprintf("edited: it does not go with its hash and row %d", a.Seq-1)
	}
	v.traces = append(v.traces, trace{spot{a.Seq, v.last.hash}, *a, why})
}

// accuse says why a row is at fault, whether or not it is already.
func (v *verifier) accuse(seq int64, why string) {
	for i := range v.traces {
		if t := &v.traces[i]; t.seq == seq {
			t.why = why
			return
		}
	}
	v.fault(seq, seq, why)
}

func (v *verifier) fault(first, last int64, why string) {
	if last == first {
		last = 0
	}
	if len(v.report.Faults) < maxFaults {
		v.report.Faults = append(v.report.Faults, ActionFault{first, last, why})
	}
}

// end compares the log with what is known of its end, and gives the report.
func (v *verifier) end() (*ActionReport, error) {
	if err := v.settle(); err != nil {
		return nil, err
	}
	v.compareNoted()
	v.compareAnchor()
	r := &v.report
	slices.SortStableFunc(r.Faults, func(a, b ActionFault) int { return cmp.Compare(a.Seq, b.Seq) })
	r.Faults = r.Faults[:min(len(r.Faults), maxFaults)]
	return r, nil
}

// settle makes faults of what was traced.
func (v *verifier) settle() error {
	if err := v.resolve(); err != nil {
		return err
	}
	for _, t := range v.traces {
		v.report.Faults = append(v.report.Faults, ActionFault{Seq: t.seq, Why: t.why})
	}
	return nil
}

func (v *verifier) compareNoted() {
	switch n := v.noted.seq; {
	case v.last.seq < n && !slices.ContainsFunc(v.noted.hash, func(b byte) bool { return b != 0 }):
		v.fault(v.last.seq+1, n, "missing: how many there were was lost with a damaged database")
	case v.last.seq < n:
		v.fault(v.last.seq+1, n, fmt.Sprintf("missing: row %d was the last that was written", n))
	case v.last.seq > n:
		v.fault(n+1, v.last.seq, fmt.Sprintf("%s: row %d was the last that was written", foreignRow, n))
	}
	if v.atNoted != nil && !bytes.Equal(v.atNoted, v.noted.hash) && !v.faulty(v.noted.seq) {
		v.fault(v.noted.seq, v.noted.seq, "edited: it is not the row that was written last")
	}
}

func (v *verifier) compareAnchor() {
	base := v.report.Base
	switch {
	case v.anchor == nil || v.faulty(v.anchor.Seq):
	case base != nil && v.anchor.Seq < base.Seq:
		v.report.Incomparable = true
	case base != nil && v.anchor.Seq == base.Seq:
		if !bytes.Equal(base.Hash, v.anchor.Hash) {
			v.fault(base.Seq, base.Seq, "rewritten: the anchor tells of another row than the one that was dropped last")
		}
	case v.atAnchor == nil:
		v.fault(v.last.seq+1, v.anchor.Seq, "missing: the anchor was made of a row that was there")
	case !bytes.Equal(v.atAnchor, v.anchor.Hash):
		v.fault(v.anchor.Seq, v.anchor.Seq, "rewritten: the anchor tells of another row, be it this one or one before it")
	}
}

// faulty reports whether a row is at fault already.
func (v *verifier) faulty(seq int64) bool {
	return slices.ContainsFunc(v.report.Faults, func(f ActionFault) bool { return f.Seq <= seq && seq <= max(f.Seq, f.Last) })
}
