package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// CutRule says which rows of the audit log are to be dropped.
type CutRule struct {
	Before time.Time // rows of before are; zero: none for their age
	Rows   int64     // all but so many are, once there are a hundredth more; 0: none for their number
	Least  int64     // so many of the newest never are
}

// maxCut bounds the rows of one cut.
const maxCut = 50_000

// cutter looks for the end of a cut.
type cutter struct {
	CutRule
	newest   int64
	verifier *verifier
	cut      Cut
	rows     int
}

// FindCut goes through the audit log from its front to the first row that is to be kept,
// or as far as one cut may go, and looks whether each row is what was written. It is
// nil where there is nothing to be dropped.
func (s *Store) FindCut(ctx context.Context, rule CutRule) (*Cut, error) {
	base, err := s.Dropped(ctx)
	if err != nil {
		return nil, err
	}
	noted, last, err := readHead(ctx, s.readers)
	if err != nil {
		return nil, s.unreadable(ctx, err)
	}
	c := &cutter{CutRule: rule, newest: max(noted.seq, last), verifier: newVerifier(noted, base, nil)}
	if slack := rule.Rows / 100; c.newest-c.verifier.last.seq <= rule.Rows+slack {
		c.Rows = 0
	}
	steady := context.WithoutCancel(ctx) // see textRows
	for after, more := c.verifier.last.seq, true; more; after = c.cut.Seq {
		if err := ctx.Err(); err != nil {
			return nil, unreadable(ctx, err)
		}
		rows, err := list(steady, s.readers, actionFields, pageOf, after, pageRows)
		if err != nil {
			return nil, s.unreadable(ctx, err)
		}
		if more, err = c.take(rows); err != nil {
			return nil, err
		}
	}
	return c.end()
}

// take takes what goes of some rows, and reports whether more may.
func (c *cutter) take(rows []octaskly.Action) (more bool, err error) {
	for i := range rows {
		row := &rows[i]
		if !c.goes(row) {
			return false, nil
		}
		if err := c.verifier.row(row); err != nil {
			return false, err
		}
		c.cut.First = cmp.Or(c.cut.First, row.Seq)
		c.cut.Seq, c.cut.At, c.cut.Hash = row.Seq, row.At, row.Hash
	}
	c.rows += len(rows)
	c.cut.More = c.rows >= maxCut
	return len(rows) == pageRows && !c.cut.More, nil
}

func (c *cutter) goes(row *octaskly.Action) bool {
	later := c.newest - row.Seq
	return later >= c.Least && (c.Rows > 0 && later >= c.Rows || row.At.Before(c.Before))
}

func (c *cutter) end() (*Cut, error) {
	if c.cut.Seq == 0 {
		return nil, nil
	}
	v := c.verifier
	if err := v.settle(); err != nil {
		return nil, err
	}
	if n := len(v.report.Faults); n > 0 {
		first := slices.MinFunc(v.report.Faults, func(a, b ActionFault) int { return cmp.Compare(a.Seq, b.Seq) })
		c.cut.Fault = fmt.Sprintf("%d faults, the first at row %d: %s", n, first.Seq, first.Why)
	}
	return &c.cut, nil
}
