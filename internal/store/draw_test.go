package store

import (
	"cmp"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func drawQuery(r *rapid.T) Query {
	q := Query{
		Owner: drawOwner(r), States: rapid.SliceOfN(rapid.SampledFrom(octaskly.States), 0, 3).Draw(r, "states"),
		Live: rapid.Bool().Draw(r, "live"), Ended: rapid.Bool().Draw(r, "ended"),
		Before: octaskly.JobID(rapid.IntRange(0, 12).Draw(r, "before")), Limit: rapid.IntRange(-1, 12).Draw(r, "limit"),
	}
	if rapid.Bool().Draw(r, "ids") {
		q.IDs = drawRanges(r)
	}
	return q
}

func drawOwner(r *rapid.T) string {
	return rapid.SampledFrom([]string{"", "alice", "bob"}).Draw(r, "owner")
}

// drawText makes any bytes: what programs and people say need not be text.
func drawText(r *rapid.T) string { return string(rapid.SliceOfN(rapid.Byte(), 0, 6).Draw(r, "text")) }

func drawTime(r *rapid.T) time.Time {
	return fromMicros(rapid.SampledFrom([]int64{0, -1, 1, 1_700_000_000_123_456, 1 << 60}).Draw(r, "time"))
}

func drawRanges(r *rapid.T) octaskly.Ranges {
	text := rapid.SampledFrom([]string{"1", "1-9", "1-9:2", "2,4-6,8-20:3", "0,5,10-999999999:7"}).Draw(r, "ranges")
	set, err := octaskly.ParseRanges(text)
	if err != nil {
		r.Fatal(err)
	}
	return set
}

func drawJob(r *rapid.T, id octaskly.JobID) octaskly.Job {
	return octaskly.Job{
		ID: id, Owner: cmp.Or(drawOwner(r), "carol"), Name: drawText(r), SpecVersion: rapid.IntRange(1, 3).Draw(r, "version"),
		Spec: rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(r, "spec"), Elements: drawRanges(r), Array: rapid.Bool().Draw(r, "array"),
		AtOnce: rapid.IntRange(0, 9).Draw(r, "at once"), Key: strings.Repeat("k", rapid.IntRange(0, 2).Draw(r, "key")),
		SubmittedAt: drawTime(r),
	}
}

func drawProgress(r *rapid.T) octaskly.Progress {
	p := octaskly.Progress{CancelReason: drawText(r), Seq: rapid.Int64().Draw(r, "seq")}
	if rapid.Bool().Draw(r, "unclaimed") {
		p.Unclaimed = drawRanges(r)
	} else if rapid.Bool().Draw(r, "dropped") {
		p.Dropped = drawRanges(r)
	}
	over := rapid.Bool().Draw(r, "over")
	for _, s := range octaskly.States {
		if s.Terminal() || !over {
			p.Rows[s] = max(rapid.Int64Range(-5, 3).Draw(r, "rows"), 0)
		}
	}
	if over {
		p.Unclaimed = nil
	}
	if p.Count().Over() {
		p.EndedAt = fromMicros(rapid.Int64Range(1, 1<<52).Draw(r, "ended"))
	}
	return p
}

func drawTask(r *rapid.T, job octaskly.JobID) octaskly.Task {
	return octaskly.Task{
		Job: job, Index: rapid.SampledFrom([]octaskly.Index{0, 1, 2, octaskly.MaxIndex}).Draw(r, "index"),
		State: rapid.SampledFrom(octaskly.States).Draw(r, "state"), Attempt: rapid.IntRange(0, 99).Draw(r, "attempt"),
		Failures: rapid.IntRange(0, 9).Draw(r, "failures"), Losses: rapid.IntRange(0, 9).Draw(r, "losses"),
		Worker: octaskly.WorkerID(drawText(r)), Cancel: rapid.Bool().Draw(r, "cancel"), Reason: octaskly.Reason(drawText(r)),
		Detail: drawText(r), NotBefore: drawTime(r), AssignedAt: drawTime(r), StartedAt: drawTime(r), EndedAt: drawTime(r),
		LostAt: drawTime(r), Seq: rapid.Int64().Draw(r, "seq"),
	}
}

func drawAttempt(r *rapid.T, job octaskly.JobID) octaskly.Attempt {
	bytes := rapid.Int64Range(0, 1<<50)
	return octaskly.Attempt{
		ID:     octaskly.AttemptID{Job: job, Index: rapid.SampledFrom([]octaskly.Index{0, 1, octaskly.MaxIndex}).Draw(r, "index")},
		Worker: octaskly.WorkerID(drawText(r)), AssignedAt: drawTime(r),
		Inline: rapid.SampledFrom([][]byte{nil, {0}, make([]byte, octaskly.InlineOutput)}).Draw(r, "inline"),
		End: octaskly.End{
			State: rapid.SampledFrom(octaskly.States).Draw(r, "state"), Reason: octaskly.Reason(drawText(r)), Detail: drawText(r),
			StartedAt: drawTime(r), EndedAt: drawTime(r), CPUTime: time.Duration(bytes.Draw(r, "cpu")), MaxRSS: bytes.Draw(r, "rss"),
			Leftover: rapid.Bool().Draw(r, "leftover"),
			Output: octaskly.OutputSize{Stored: bytes.Draw(r, "stored"), Stdout: bytes.Draw(r, "stdout"),
				Stderr: bytes.Draw(r, "stderr"), Discarded: bytes.Draw(r, "discarded")},
			Usage: octaskly.Usage{MemoryPeak: bytes.Draw(r, "memory"), ProcessesPeak: bytes.Draw(r, "processes"),
				Read: bytes.Draw(r, "read"), Written: bytes.Draw(r, "written"), DiskPeak: bytes.Draw(r, "disk")},
			Limit: bytes.Draw(r, "limit"), Peak: bytes.Draw(r, "peak"), Workspace: drawText(r),
		},
		Late: octaskly.Late{
			State: rapid.SampledFrom([]octaskly.State{0, octaskly.Completed}).Draw(r, "late"), Reason: octaskly.Reason(drawText(r)), At: drawTime(r),
		},
	}
}

func drawWorker(r *rapid.T) octaskly.Worker {
	return octaskly.Worker{
		ID: octaskly.WorkerID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "worker")), Name: drawText(r), Version: drawText(r),
		Slots: rapid.IntRange(0, 64).Draw(r, "slots"), Address: drawText(r), SeenAt: drawTime(r),
		Room:     rapid.SampledFrom([]octaskly.Room{nil, {}, {octaskly.CPU: 2000, octaskly.Memory: 1 << 40}}).Draw(r, "room"),
		Features: rapid.SampledFrom([][]string{nil, {}, {octaskly.KillCgroup, "x"}}).Draw(r, "features"),
		Checks:   rapid.SampledFrom([][]octaskly.Check{nil, {}, {{Subject: "level:strict", Name: "n", What: "w", Held: true}, {Why: "<\x1b>"}}}).Draw(r, "checks"),
		Left:     rapid.Bool().Draw(r, "left"),
		Drain:    rapid.SampledFrom([]*octaskly.Drain{nil, {By: "alice", At: fromMicros(1)}, {By: "b", Reason: "<\x1b>", At: fromMicros(2), Deadline: fromMicros(3)}}).Draw(r, "drain"),
	}
}
