package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// silent is a task that is over and has no attempts, though it had: only what was
// cancelled before it began may have none.
const (
	silentTasks = `FROM tasks t JOIN jobs j ON j.id = t.job
		WHERE t.state >= 4 AND t.attempt > 0 AND (t.state < 7 OR t.started_at > 0)
			AND NOT EXISTS (SELECT 1 FROM results r WHERE r.task = t.id)`
	someSilent = `SELECT t.job, t.idx, j.array ` + silentTasks + ` ORDER BY t.id LIMIT 100000`
)

// nameSilent says of which tasks the records are lost.
func (m *mender) nameSilent(ctx context.Context) error {
	if err := m.db.QueryRowContext(ctx, `SELECT count(*) `+silentTasks).Scan(&m.report.Silent); err != nil {
		return err
	}
	all, err := list(ctx, m.db, func(id *octaskly.TaskID) []any { return []any{&id.Job, &id.Index, &id.Array} }, someSilent)
	m.report.SilentIDs = namingTasks(all, m.report.Silent)
	return err
}

// namingTasks is a list of tasks, as people name them, of which there are n.
func namingTasks(ids []octaskly.TaskID, n int64) string {
	var parts []string
	for len(ids) > 0 && len(parts) < maxSilent {
		var set octaskly.Ranges
		first, taken := ids[0], 0
		for taken < len(ids) && ids[taken].Array == first.Array && (!first.Array || ids[taken].Job == first.Job) {
			i := ids[taken].Index
			if !first.Array {
				i = octaskly.Index(ids[taken].Job)
			}
			set = appendIndex(set, i)
			taken++
		}
		prefix := ""
		if first.Array {
			prefix = fmt.Sprintf("%v.", first.Job)
		}
		for _, r := range set {
			parts = append(parts, prefix+r.String())
		}
		ids = ids[taken:]
	}
	more := len(ids) > 0 || len(parts) > maxSilent || n > 100_000
	text := naming(parts[:min(len(parts), maxSilent)])
	if more && !strings.HasSuffix(text, "…") {
		text += ",…"
	}
	return text
}
