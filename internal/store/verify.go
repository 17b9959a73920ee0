package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"math"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// ActionReport is what VerifyActions has found. No Faults: every row is what was
// written.
type ActionReport struct {
	Rows, First int64 // how many there are, and the number of the first
	Last        *octaskly.Action
	Base        *Base         // the rows up to this one were dropped; nil: none were
	Faults      []ActionFault // the first hundred, by number

	Incomparable bool // the anchor's row was dropped
}

// ActionFault is a row, or with Last a span of rows, and what is wrong with it.
type ActionFault struct {
	Seq, Last int64
	Why       string
}

const (
	maxFaults = 100
	pageRows  = 1000
	pageOf    = `SELECT ` + actionColumns + ` FROM audit_log a WHERE a.seq > ? ORDER BY a.seq LIMIT ?`
)

// VerifyActions reads all of the audit log as it is at one time, and compares it
// with the hashes of its rows, with what was noted of its end, and with the Seq and
// Hash of an anchor: a row that was there once; nil where there is none. It is one
// at a time.
func (s *Store) VerifyActions(ctx context.Context, anchor *octaskly.Action) (*ActionReport, error) {
	if anchor != nil && (anchor.Seq < 1 || len(anchor.Hash) != sha256.Size) {
		return nil, &octaskly.FieldError{Field: "anchor", Why: "it has the number of a row and its hash, of 32 bytes"}
	}
	select {
	case s.verifying <- struct{}{}:
		defer func() { <-s.verifying }()
	case <-ctx.Done():
		return nil, unreadable(ctx, ctx.Err())
	}
	steady := context.WithoutCancel(ctx) // see textRows
	tx, err := s.readers.BeginTx(steady, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, s.unreadable(ctx, err)
	}
	defer tx.Rollback()
	noted, _, err := readHead(steady, tx)
	if err != nil {
		return nil, s.unreadable(ctx, err)
	}
	base, err := readBase(steady, tx)
	if err != nil {
		return nil, s.unreadable(ctx, err)
	}
	v := newVerifier(noted, base, anchor)
	if err := v.readAll(ctx, steady, tx); err != nil {
		return nil, s.unreadable(ctx, err)
	}
	return v.end()
}

func (v *verifier) readAll(ctx, steady context.Context, tx *sql.Tx) error {
	for after, n := int64(math.MinInt64), pageRows; n == pageRows; {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows, err := list(steady, tx, actionFields, pageOf, after, pageRows)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := v.row(&rows[i]); err != nil {
				return err
			}
			after = rows[i].Seq
		}
		n = len(rows)
	}
	return nil
}
