package dispatcher

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// What has to go is what is too old, and of the rest the oldest jobs for as long
// as there are too many, but for what has just ended.
func TestChoose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_800_000_000, 0)
		r := Retention{
			Age:   rapid.SampledFrom([]time.Duration{0, 50 * time.Second, time.Hour}).Draw(t, "age"),
			Tasks: rapid.Int64Range(0, 60).Draw(t, "bound"),
		}
		jobs := make([]store.Kept, rapid.IntRange(0, 20).Draw(t, "jobs"))
		kept := rapid.Int64Range(0, 30).Draw(t, "others")
		for i := range jobs {
			ended := time.Duration(rapid.IntRange(0, 100).Draw(t, "seconds")) * time.Second
			jobs[i] = store.Kept{
				Job: octaskly.JobID(i + 1), EndedAt: now.Add(-ended), Tasks: rapid.Int64Range(1, 9).Draw(t, "tasks"),
				SubmittedAt: now.Add(-ended - time.Duration(rapid.IntRange(0, 100).Draw(t, "before"))*time.Second),
			}
			kept += jobs[i].Tasks
		}
		chosen := map[octaskly.JobID]bool{}
		horizon := r.horizon(kept, now)
		for _, j := range r.choose(jobs, kept, now) {
			chosen[j.Job] = true
		}
		for _, j := range jobs {
			old := r.Age > 0 && now.Sub(j.EndedAt) > r.Age
			recent := now.Sub(j.EndedAt) <= r.beat()
			surplus := r.Tasks > 0 && kept > r.Tasks
			switch {
			case chosen[j.Job] && !old && (recent || !surplus):
				t.Fatalf("job %v goes, of %d tasks, and is neither old nor too much", j.Job, kept)
			case !chosen[j.Job] && (old || surplus && !recent):
				t.Fatalf("job %v stays, of %d tasks", j.Job, kept)
			case chosen[j.Job] && j.SubmittedAt.After(horizon):
				t.Fatalf("job %v goes, and is behind the horizon", j.Job)
			}
			if chosen[j.Job] {
				kept -= j.Tasks
			}
		}
	})
}

func TestBeat(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{
		0: time.Minute, 1: 100 * time.Millisecond, 5 * time.Second: 500 * time.Millisecond, 30 * 24 * time.Hour: time.Minute,
	} {
		if got := (&Retention{Age: age}).beat(); got != want {
			t.Errorf("age %v: every %v, want %v", age, got, want)
		}
	}
}

// However files appear while they are counted, the tally is right when the count
// is over.
func TestTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tally tally
		names := []string{"a", "b", "c", "d", "e"}
		disk := map[string]int64{}
		write := func() {
			n, size := rapid.SampledFrom(names).Draw(t, "name"), rapid.Int64Range(1, 9).Draw(t, "size")
			if disk[n] == 0 {
				disk[n] = size
				tally.add(n, size)
			}
		}
		for range rapid.IntRange(0, 5).Draw(t, "before") {
			write()
		}
		tally.bytes = rapid.Int64Range(0, 99).Draw(t, "wrong")
		tally.begin("unfinished")
		if rapid.Bool().Draw(t, "soon") {
			write()
		}
		err := count(&tally, func(add func(string, int64)) error {
			there := maps.Clone(disk)
			add("unfinished", 1000)
			for _, n := range names {
				if rapid.Bool().Draw(t, "meanwhile") {
					write()
				}
				_, before := there[n] // of the others a directory shows some
				if disk[n] > 0 && (before || rapid.Bool().Draw(t, "shown")) {
					add(n, disk[n])
				}
			}
			return nil
		})
		sum := int64(0)
		for _, size := range disk {
			sum += size
		}
		if got := tally.size(); got != sum || err != nil {
			t.Fatalf("%d bytes, want %d of %v, %v", got, sum, disk, err)
		}
	})
}
