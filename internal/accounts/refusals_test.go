package accounts

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func denied(who, from, target string) *octaskly.Action {
	return &octaskly.Action{Who: who, From: from, What: "task.cancel", Target: target, Outcome: "denied", Token: "t" + target, Detail: "may not"}
}

func TestRefusalsAreCounted(t *testing.T) {
	inBubble(t, func(r *rig) {
		for i := range 25 {
			r.must(r.Record(t.Context(), denied("ann", "192.0.2.1", fmt.Sprint(i))))
		}
		for range 12 {
			r.must(r.Record(t.Context(), denied("ann", "192.0.2.2", "7")))
			r.must(r.Record(t.Context(), &octaskly.Action{Who: "ann", What: "task.submit", Outcome: octaskly.Done}))
		}
		if n := len(r.store.rows("task.cancel")); n != 20 {
			t.Errorf("%d refusals have a row", n)
		}
		if n := len(r.store.rows("task.submit")); n != 12 {
			t.Errorf("%d submissions have a row", n)
		}
		time.Sleep(writeEvery)
		synctest.Wait()
		rows := r.store.rows("task.cancel")[20:]
		if len(rows) != 2 {
			t.Fatalf("then there are %+v", rows)
		}
		for i, want := range []octaskly.Action{{From: "192.0.2.1", Detail: "15 more of these since "}, {From: "192.0.2.2", Target: "7", Token: "t7", Detail: "2 more of these since "}} {
			row := rows[i]
			if row.Who != "ann" || row.Outcome != "denied" || row.From != want.From || row.Target != want.Target || row.Token != want.Token || !strings.HasPrefix(row.Detail, want.Detail) {
				t.Errorf("the row is %+v, want %+v", row, want)
			}
		}
		r.must(r.Record(t.Context(), denied("ann", "192.0.2.1", "1"))) // another minute
		if n := len(r.store.rows("task.cancel")); n != 23 {
			t.Errorf("there are %d rows", n)
		}
	})
}

// Without Run and at its end, too, what was counted is written.
func TestRefusalsAtTheEnd(t *testing.T) {
	inBubble(t, func(r *rig) {
		for range 15 {
			r.must(r.Record(t.Context(), denied("ann", "x", "1")))
		}
		r.restart()
		if n := len(r.store.rows("task.cancel")); n != 11 {
			t.Errorf("there are %d rows", n)
		}
		r.stop()
		for range 15 {
			r.must(r.Record(t.Context(), denied("ann", "x", "1")))
		}
		time.Sleep(writeEvery)
		r.must(r.Record(t.Context(), denied("bob", "x", "1")))
		if n := len(r.store.rows("task.cancel")); n != 11+11+1 {
			t.Errorf("there are %d rows", n)
		}
		r.run()
	})
}

// A flood of many, each with another name from another address, fills no disk.
func TestFlood(t *testing.T) {
	inBubble(t, func(r *rig) {
		const minutes, each = 5, 20_000
		for range minutes {
			for i := range each {
				r.must(r.Record(t.Context(), denied(fmt.Sprint("u", i), fmt.Sprint("a", i), fmt.Sprint(i))))
			}
			time.Sleep(writeEvery)
			synctest.Wait()
		}
		rows := r.store.rows("task.cancel")
		if most := minutes * 2 * (refusalsOfAll + maxCounted); len(rows) > most {
			t.Errorf("there are %d rows, want at most %d", len(rows), most)
		}
		told := 0
		for _, row := range rows {
			n := 1
			fmt.Sscanf(row.Detail, "%d more", &n)
			told += n
		}
		if told != minutes*each {
			t.Errorf("%d refusals are told of, of %d", told, minutes*each)
		}
	})
}

func TestRefusalsWait(t *testing.T) {
	r := newRig(t)
	for range 15 {
		r.must(r.Record(t.Context(), denied("ann", "x", "1")))
	}
	r.store.fail = errors.New("no disk")
	for range 3 {
		r.refused(r.writeRefusals(t.Context()), r.store.fail)
	}
	r.refused(r.Record(t.Context(), &octaskly.Action{Outcome: octaskly.Done}), r.store.fail)
	r.store.fail = nil
	r.must(r.Record(t.Context(), denied("ann", "x", "1")))
	r.must(r.writeRefusals(t.Context()))
	if rows := r.store.rows("task.cancel"); len(rows) != 12 || !strings.HasPrefix(rows[11].Detail, "5 more") {
		t.Errorf("the last of %d is %+v", len(rows), rows[len(rows)-1])
	}
}

// What strangers have written is bounded, and of one line.
func TestRowsAreTidy(t *testing.T) {
	r := newRig(t)
	long := strings.Repeat("x\n", 10_000)
	r.must(r.Record(t.Context(), &octaskly.Action{Who: long, From: long, Target: long, Token: long, Detail: long, What: "x", Outcome: "denied"}))
	row := r.store.rows("x")[0]
	for _, text := range []string{row.Who, row.From, row.Target, row.Token, row.Detail} {
		if len(text) > maxDetail || strings.Contains(text, "\n") {
			t.Errorf("%d bytes: %.20q", len(text), text)
		}
	}
}
