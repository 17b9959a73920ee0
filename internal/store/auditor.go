package store

import (
	"context"
	"crypto/sha256"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// auditor appends to the audit log. It belongs to whoever has the turn to write.
type auditor struct {
	rows       table
	noted      *statement
	drop       *statement
	head, next head // as it was committed, and as it is in the transaction
	known      bool // head is
}

// head is the last row of the audit log.
type head struct {
	seq  int64
	hash []byte
}

const headOf = `SELECT audit_seq, audit_hash, ifnull((SELECT max(seq) FROM audit_log), 0) FROM ledger`

func (a *auditor) prepare(statement func(string) *statement, table func(string, int) table) {
	a.rows = table(`INSERT INTO audit_log VALUES `, 11)
	a.noted = statement(`UPDATE ledger SET audit_seq = ?, audit_hash = ?, records = records + 1`)
	a.drop = statement(dropActions)
}

// readHead finds what was noted of the last row, and the number of the last that
// there is.
func readHead(ctx context.Context, from source) (noted head, last int64, err error) {
	err = from.QueryRowContext(ctx, headOf).Scan(&noted.seq, &noted.hash, &last)
	if len(noted.hash) != sha256.Size {
		noted.hash = make([]byte, sha256.Size)
	}
	return noted, last, err
}

// begin is called before a transaction that has rows. Where the log does not end
// with the row that was noted, it goes on past either and from the hash that was
// noted: whatever was cut off or put there stays a fault for all time.
func (a *auditor) begin(from source) error {
	if !a.known {
		noted, last, err := readHead(context.Background(), from)
		if err != nil {
			return err
		}
		a.head, a.known = head{max(noted.seq, last), noted.hash}, true
	}
	a.next = a.head
	return nil
}

// end is called after each transaction. After one that failed nobody knows what
// is there.
func (a *auditor) end(err error) {
	a.head, a.known = a.next, a.known && err == nil
}

// add numbers rows, chains them to those before, and writes them.
func (a *auditor) add(rows []octaskly.Action) error {
	for i := range rows {
		r := &rows[i]
		bound(r)
		row, err := encode(r, a.next.seq+1)
		if err != nil {
			return err
		}
		a.next = head{a.next.seq + 1, link(a.next.hash, row)}
		r.Seq, r.Hash = a.next.seq, a.next.hash
	}
	return insert(a.rows, rows, addAction)
}

// note writes down which row is the last.
func (a *auditor) note() error { return a.noted.exec(a.next.seq, a.next.hash) }

const actionColumns = `a.seq, a.at, a.who, a.role, a.token, a."from", a.what, a.target, a.outcome, a.detail, a.hash`

func addAction(s *statement, a *octaskly.Action) error {
	s.add(a.Seq, micros(a.At), a.Who, string(a.Role), a.Token, a.From, a.What, a.Target, a.Outcome, a.Detail, a.Hash)
	return nil
}

func actionFields(a *octaskly.Action) []any {
	return []any{&a.Seq, moment{&a.At}, &a.Who, &a.Role, &a.Token, &a.From, &a.What, &a.Target, &a.Outcome, &a.Detail, &a.Hash}
}
