package store

import "github.com/octaskly/octaskly/internal/octaskly"

// lateEnd leaves alone what ended in any other way, is another worker's, or has
// such an end already.
const lateEnd = `UPDATE results SET late_state = ?, late_reason = ?, late_at = ?,
	cpu_time = ?, max_rss = ?, leftover = ?, stored = ?, stdout = ?, stderr = ?, discarded = ?, output = ?,
	memory_peak = ?, processes_peak = ?, bytes_read = ?, bytes_written = ?, disk_peak = ?, workspace = ?
	WHERE task = ? AND attempt = ? AND worker = ? AND reason = '` + string(octaskly.ReasonWorkerLost) + `' AND late_state = 0`

// putLate adds to the rows of attempts that were given up what came of them.
func (w *writer) putLate(late []octaskly.Attempt) error {
	for i := range late {
		a := &late[i]
		key, err := taskKey(a.ID.Job, a.ID.Index)
		if err != nil {
			return err
		}
		e, out, u := &a.End, &a.End.Output, &a.End.Usage
		err = w.late.exec(int64(e.State), string(e.Reason), micros(e.EndedAt),
			int64(e.CPUTime), e.MaxRSS, e.Leftover, out.Stored, out.Stdout, out.Stderr, out.Discarded, a.Inline,
			u.MemoryPeak, u.ProcessesPeak, u.Read, u.Written, u.DiskPeak, e.Workspace,
			key, int64(a.ID.Number), string(a.Worker))
		if err != nil {
			return err
		}
	}
	return nil
}
