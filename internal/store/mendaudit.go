package store

import (
	"context"
	"fmt"
)

// mendAudit takes the last row of the audit log for its end, where that was written
// after what is noted. Where nothing is noted any more, nobody knows how many rows
// there were: the log goes on far above, and whoever verifies it finds that out.
func (m *mender) mendAudit(ctx context.Context, c *copier) error {
	m.report.Disabled = c.disabled
	_, there := c.roots["audit_log"]
	if !c.ledger && (there || c.rows["audit_log"] > 0) {
		return m.exec(ctx, fmt.Sprintf(`UPDATE ledger SET audit_seq = %d + (SELECT ifnull(max(seq), 0) FROM audit_log)`, seqGap))
	}
	err := m.exec(ctx, `UPDATE ledger SET (audit_seq, audit_hash) = (SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1)
		WHERE audit_seq < (SELECT max(seq) FROM audit_log)`)
	if err != nil {
		return err
	}
	base, err := readBase(ctx, m.db)
	if err != nil {
		return err
	}
	dropped := int64(0)
	if base != nil {
		dropped = base.Seq
	}
	return m.db.QueryRowContext(ctx, `SELECT audit_seq - ?1 - (SELECT count(*) FROM audit_log WHERE seq > ?1) FROM ledger`, dropped).Scan(&m.report.Actions)
}
