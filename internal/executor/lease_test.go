package executor

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestLeaseAt(t *testing.T) {
	const s = Moment(time.Second)
	thirty := lease{100 * s, 30 * time.Second}
	for _, test := range []struct {
		lease lease
		now   Moment
		want  trust
		until Moment
	}{
		{lease{}, 0, spent, 0},
		{lease{}, 100 * s, spent, 0},
		{lease{100 * s, -time.Second}, 100 * s, spent, 0},
		{thirty, 100 * s, trusted, 115 * s},
		{thirty, 99 * s, trusted, 115 * s},
		{thirty, 115*s - 1, trusted, 115 * s},
		{thirty, 115 * s, doubtful, 122*s + s/2},
		{thirty, 122*s + s/2 - 1, doubtful, 122*s + s/2},
		{thirty, 122*s + s/2, spent, 0},
		{thirty, 1e9 * s, spent, 0},
		{lease{100 * s, 1}, 100 * s, doubtful, 100*s + 1},
	} {
		if got, until := test.lease.at(test.now); got != test.want || until != test.until {
			t.Errorf("%+v at %d: %v until %d, want %v until %d", test.lease, test.now, got, until, test.want, test.until)
		}
	}
}

// Trust only ever falls, at the moments that at has named, and is spent a quarter
// before the lease is over.
func TestLeaseProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := lease{Moment(rapid.Int64Range(0, 1<<60).Draw(t, "renewed")), time.Duration(rapid.Int64Range(1, int64(maxLease)).Draw(t, "length"))}
		end := l.renewed.Add(l.length)
		now := l.renewed
		for want := range spent {
			got, until := l.at(now)
			if got < want || until <= now && got < spent {
				t.Fatalf("%+v at %d: %v until %d", l, now, got, until)
			}
			if before, _ := l.at(until - 1); got < spent && before != got {
				t.Fatalf("%+v: %v before %d, %v at %d", l, before, until, got, now)
			}
			if got < spent {
				now = until
			}
		}
		if got, _ := l.at(now); got != spent || end-now > Moment(l.length/4) || end-now < Moment(l.length/4) {
			t.Fatalf("%+v is %v at %d, %d before its end", l, got, now, end-now)
		}
	})
}

// once is a script of which one attempt may run.
func once(script string) octaskly.Spec {
	spec := shell(script)
	spec.AtMostOne = true
	return spec
}

// lapse puts the lease, which was trusted, into its third quarter or its last, for
// long.
func (r *rig) lapse(t trust) {
	l := map[trust]lease{doubtful: {Moment(-13 * time.Hour), 24 * time.Hour}, spent: {Moment(-12 * time.Hour), 14 * time.Hour}}[t]
	r.Renew(Now()+l.renewed, l.length)
	if got, _ := r.lease.at(Now()); got != t {
		r.t.Fatalf("the lease is %v, want %v", got, t)
	}
}

// trust begins with a lease that lapse can renew.
func (r *rig) trust() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lease = lease{Now().Add(-24 * time.Hour), 7 * 24 * time.Hour}
	r.guard.setLocked(r.lease)
}

func TestLeaseEndsCommands(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		cfg.Slots = 4
		r, g := newRig(t, cfg), newGate(t)
		r.trust()
		willing := r.offer(once("trap 'echo bye; exit 0' TERM; echo > " + g.path + "; sleep 1000 & wait"))
		g.reached()
		stubborn := r.offer(once("trap '' TERM; echo $$ > " + g.path + "; while :; do sleep 1000; done"))
		pid := g.reached()
		other := r.offer(shell("echo > " + g.path + "; read x < " + g.door + "; exit 7"))
		g.reached()
		r.begin(willing) // what a lapse finds starting gets KILL
		r.begin(stubborn)
		r.grace = time.Hour // so that KILL is the lease's
		r.lapse(doubtful)
		f := r.end(willing)
		wantEnd(t, f, octaskly.Cancelled, octaskly.ReasonLease)
		if out, _ := text(t, f.Output); out != "bye\n" || f.End.Detail != errLapsed.detail {
			t.Errorf("output %q, detail %q", out, f.End.Detail)
		}
		if !alive(t, pid) {
			t.Error("KILL comes too early")
		}
		r.lapse(spent)
		wantEnd(t, r.end(stubborn), octaskly.Cancelled, octaskly.ReasonLease)
		if alive(t, pid) {
			t.Error("the stubborn command is alive")
		}
		g.pass()
		wantEnd(t, r.end(other), octaskly.Failed, "exit:7")
	})
}

// What ends for another reason ends by it, but not later than the lease allows.
func TestLeaseOfWhatIsStopped(t *testing.T) {
	cfg := config(t)
	cfg.Grace = time.Hour
	r, g := newRig(t, cfg), newGate(t)
	r.trust()
	id := r.offer(once("trap '' TERM; echo $$ > " + g.path + "; while :; do sleep 1000; done"))
	pid := g.reached()
	r.begin(id)
	r.Stop(id, false)
	r.lapse(doubtful)
	if !alive(t, pid) {
		t.Error("KILL comes too early")
	}
	r.lapse(spent)
	wantEnd(t, r.end(id), octaskly.Cancelled, octaskly.ReasonCancelled)
}

// What waits does not start without trust, is in nobody's way meanwhile, and is
// given back when the lease is spent.
func TestLeaseOfWhatWaits(t *testing.T) {
	cfg := config(t)
	cfg.Slots = 1
	r := newRig(t, cfg)
	r.trust()
	r.lapse(doubtful)
	waiting := r.offer(once("exit 3"))
	for range 3 {
		wantEnd(t, r.run(shell("exit 0")), octaskly.Completed, "")
	}
	if _, held := r.Held(); len(r.Recall(nil)) != 0 || r.Idle() || r.finished[waiting].ID == waiting {
		t.Errorf("held are %+v", held)
	}
	r.Renew(Now(), time.Hour)
	wantEnd(t, r.end(waiting), octaskly.Failed, "exit:3")

	r.trust()
	r.lapse(doubtful)
	late := r.offer(once("exit 3"))
	r.lapse(spent)
	f := r.end(late)
	wantEnd(t, f, octaskly.Cancelled, octaskly.ReasonLease)
	if !f.End.StartedAt.IsZero() || f.End.Detail == "" || !r.Idle() {
		t.Errorf("%+v", f.End)
	}
}

// However late the executor learns that its lease was over, what waited then does
// not start with the next one.
func TestLeaseIsEnforcedBeforeItIsRenewed(t *testing.T) {
	r := newRig(t, config(t))
	r.trust()
	r.lapse(doubtful)
	waiting := r.offer(once("exit 3"))
	r.mu.Lock()
	r.lease.renewed = r.lease.renewed.Add(-24 * time.Hour) // as if this process had been stopped
	r.mu.Unlock()
	r.Renew(Now(), time.Hour)
	wantEnd(t, r.end(waiting), octaskly.Cancelled, octaskly.ReasonLease)
}

func TestNoLease(t *testing.T) {
	r := newRig(t, config(t))
	refused := func() {
		t.Helper()
		f := r.run(once("exit 0"))
		wantEnd(t, f, octaskly.Failed, octaskly.ReasonLacks(octaskly.AtMostOne))
		if f.End.Detail == "" {
			t.Error("it does not say why")
		}
	}
	refused()
	r.Renew(Now(), time.Hour)
	wantEnd(t, r.run(once("exit 3")), octaskly.Failed, "exit:3")
	r.Renew(Now(), 0) // of an older dispatcher
	refused()
	wantEnd(t, r.run(shell("exit 3")), octaskly.Failed, "exit:3")
}

// The timer works without anybody's help, and renewals put it off.
func TestGuard(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		cfg.Grace = time.Hour
		r, g := newRig(t, cfg), newGate(t)
		const length = 8 * time.Second
		var id octaskly.AttemptID
		var pid string
		renewed := r.renewing(length, func() {
			id = r.offer(once("trap '' TERM; echo $$ > " + g.path + "; while :; do sleep 1000; done"))
			pid = g.reached()
			<-time.After(length / 8) // by which even a guard that hears of no renewal would kill too early
		})
		awaitThat(t, func() bool { return !alive(t, pid) })
		if late := time.Duration(Now() - renewed); late < length-length/4 || late > length {
			t.Errorf("it is dead %v after the renewal, the lease is %v", late, length)
		}
		wantEnd(t, r.end(id), octaskly.Cancelled, octaskly.ReasonLease)
	})
}

// renewing renews a lease all the time while f runs, and returns the last renewal.
// Each is a quarter of the lease late, which nobody has to wait for then.
func (r *rig) renewing(length time.Duration, f func()) (renewed Moment) {
	renew := func() {
		renewed = Now().Add(-length / 4)
		r.Renew(renewed, length)
	}
	renew()
	over := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(length / 80):
				renew()
			}
		}
	})
	defer group.Wait()
	defer close(over)
	f()
	return
}
