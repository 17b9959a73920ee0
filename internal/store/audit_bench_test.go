package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// BenchmarkSubmitsAudited is BenchmarkSubmits with a row of the audit log for each job.
func BenchmarkSubmitsAudited(b *testing.B) { benchmarkSubmitsAudited(b, 1000) }

// BenchmarkSubmitAudited is BenchmarkSubmit likewise.
func BenchmarkSubmitAudited(b *testing.B) { benchmarkSubmitsAudited(b, 1) }

func benchmarkSubmitsAudited(b *testing.B, batch int) {
	s := openTemp(b)
	spec := make([]byte, 400)
	rate(b, "jobs", func() {
		for at := 0; at < b.N; at += batch {
			c := &Changes{}
			for range batch {
				job := octaskly.Job{ID: newID(s), Owner: "me", SpecVersion: 1, Spec: spec, Elements: octaskly.Span(0, 0), SubmittedAt: time.Now()}
				c.Jobs = append(c.Jobs, job)
				c.Progress = append(c.Progress, ProgressRow{job.ID, octaskly.Progress{Unclaimed: job.Elements}})
				c.Actions = append(c.Actions, submission(int64(job.ID)))
			}
			put(b, s, c)
		}
	})
}

func submission(target int64) octaskly.Action {
	return octaskly.Action{At: time.Now(), Who: "me", Role: octaskly.RoleClient, Token: "0123456789abcdef0123456789", From: "192.0.2.1",
		What: "task.submit", Target: fmt.Sprint(target), Outcome: octaskly.Done}
}

// BenchmarkRecord is one row of the audit log; with several callers they share
// commits.
func BenchmarkRecord(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			s := openTemp(b)
			b.SetParallelism(callers)
			rate(b, "records", func() {
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						if err := s.Record(ctx, &Records{Actions: []octaskly.Action{submission(1)}}); err != nil {
							b.Error(err)
						}
					}
				})
			})
		})
	}
}

// millionActions are mostly those of one user, task.submit and done.
func millionActions(b *testing.B) *Store {
	s := openTemp(b)
	fill(b, s, `INSERT INTO audit_log SELECT n + 1, 1e15 + n, iif(n % 1000 = 7, 'you', 'me'), 'client', '', '192.0.2.1',
		iif(n % 5000 = 9, 'user.change', 'task.submit'), n + 1, iif(n % 3000 = 11, 'denied', 'done'), '', zeroblob(32) FROM numbers`)
	mustExec(b, s, `UPDATE ledger SET audit_seq = 1000000`)
	return s
}

// BenchmarkActions are queries among a million rows.
func BenchmarkActions(b *testing.B) {
	s := millionActions(b)
	at := func(n int64) time.Time { return fromMicros(1e15 + n) }
	for name, q := range map[string]ActionQuery{
		"newest":               {},
		"me":                   {Who: "me"},
		"you":                  {Who: "you"},
		"nobody":               {Who: "x"},
		"task":                 {What: "task"},
		"user":                 {What: "user"},
		"target":               {Target: "4711"},
		"refused":              {Outcome: Refused},
		"denied":               {Outcome: "denied"},
		"me and user.change":   {Who: "me", What: "user.change"},
		"you and refused":      {Who: "you", Outcome: Refused},
		"you and task.submit":  {Who: "you", What: "task.submit", Outcome: octaskly.Done},
		"me and another's":     {Who: "me", Target: "8"},
		"the oldest hundred":   {Until: at(100)},
		"the newest ten":       {Since: at(million - 10)},
		"nobody for some time": {Who: "me", Since: at(million)},
	} {
		q.Limit = 100
		b.Run(name, func(b *testing.B) {
			rate(b, "queries", func() {
				for range b.N {
					if _, err := s.Actions(ctx, q); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
	b.Run("verify", func(b *testing.B) {
		for range b.N {
			if r, err := s.VerifyActions(ctx, nil); err != nil || r.Rows != million || len(r.Faults) != maxFaults {
				b.Fatalf("%+v, %v", r, err)
			}
		}
	})
}

// BenchmarkAccounts are starts with as many users and tokens as can be.
func BenchmarkAccounts(b *testing.B) {
	s := openTemp(b)
	fill(b, s, `INSERT INTO users SELECT printf('user%06d', n), 'client', '', 0, 0, 0, 0, 1, 1 FROM numbers WHERE n < 100000`)
	fill(b, s, `INSERT INTO tokens SELECT printf('%026d', n), 'login', printf('user%06d', n / 10), 'client', '', '192.0.2.1', zeroblob(32), NULL, 1, 1, 1, 0 FROM numbers`)
	b.Run("users", func(b *testing.B) {
		for range b.N {
			if users, err := s.Users(ctx); err != nil || len(users) != 100_000 {
				b.Fatal(len(users), err)
			}
		}
	})
	b.Run("tokens", func(b *testing.B) {
		for range b.N {
			if tokens, err := s.Tokens(ctx); err != nil || len(tokens) != million {
				b.Fatal(len(tokens), err)
			}
		}
	})
	b.Run("remove expired", func(b *testing.B) {
		for i := range b.N {
			r := &Records{}
			for n := range 100 {
				r.RemovedTokens = append(r.RemovedTokens, fmt.Sprintf("%026d", i*100+n))
			}
			if err := s.Record(ctx, r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
