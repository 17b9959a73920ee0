package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// The audit log is dropped from its front: first a row of its own, chained like any
// other, says up to which row and what the hash of that was; then the rows go bit by
// bit. Whoever verifies begins after the row that the last such row names, whatever is
// still there before: so it is no matter where a crash comes, and a front that was
// cut off by anybody else is missed.

// Trim is What of the row that says that rows before are dropped.
const Trim = "audit.trim"

// Cut is rows at the front of the audit log that are to be dropped.
type Cut struct {
	First, Seq int64 // the first and the last
	At         time.Time
	Hash       []byte // of the last, as its time
	Fault      string // what is wrong with them; empty: each is what was written
	More       bool   // it goes as far as one cut may
}

// Action is the row that says it.
func (c *Cut) Action(now time.Time) octaskly.Action {
	state := "intact"
	if c.Fault != "" {
		state = "not intact (" + c.Fault + ")"
	}
	return octaskly.Action{
		At: now, What: Trim, Target: strconv.FormatInt(c.Seq, 10), Outcome: octaskly.Done,
		Detail: fmt.Sprintf("rows %d to %d dropped by retention, the last of %s, %s; its hash was %x", c.First, c.Seq, c.At.Format(time.RFC3339), state, c.Hash),
	}
}

// Base is the last row that was dropped.
type Base struct {
	Seq  int64
	Hash []byte
	At   time.Time // when that was said
}

// baseOf reads what Cut.Action has written; nil: something else has.
func baseOf(row *octaskly.Action) *Base {
	seq, err := strconv.ParseInt(row.Target, 10, 64)
	hash, hashErr := hex.DecodeString(row.Detail[strings.LastIndexByte(row.Detail, ' ')+1:])
	if err != nil || hashErr != nil || seq < 1 || seq >= row.Seq || len(hash) != sha256.Size {
		return nil
	}
	return &Base{seq, hash, row.At}
}

const lastTrim = `SELECT ` + actionColumns + ` FROM audit_log a INDEXED BY audit_by_what WHERE a.what = '` + Trim + `' ORDER BY a.seq DESC LIMIT 1`

// readBase is nil where nothing was dropped, or nobody knows what.
func readBase(ctx context.Context, from source) (*Base, error) {
	rows, err := list(ctx, from, actionFields, lastTrim)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return baseOf(&rows[0]), nil
}

// Dropped is the last row of the audit log that was said to be dropped; nil: none.
func (s *Store) Dropped(ctx context.Context) (*Base, error) {
	base, err := readBase(ctx, s.readers)
	return base, s.unreadable(ctx, err)
}

// DropActions deletes rows up to one that is dropped, for as long as budget lasts, and
// reports whether those were all. It does not wait for the disk.
func (s *Store) DropActions(_ context.Context, base *Base, budget time.Duration) (all bool, err error) {
	began := time.Now()
	err = s.writer.relaxed(func(*collector) error {
		for !all && time.Since(began) < budget {
			n, err := s.writer.audit.drop.count(base.Seq, int64(removeRows))
			if err != nil {
				return err
			}
			all = n < removeRows
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("cannot drop old rows of the audit log: %w", explain(s.suspect(err)))
	}
	return all, nil
}

const dropActions = `DELETE FROM audit_log WHERE seq IN (SELECT seq FROM audit_log WHERE seq <= ? ORDER BY seq LIMIT ?)`
