package accounts

import (
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// A flood of refusals must not fill the disk: 300 rows a minute are the most.
const (
	refusalsOfOne = 10  // rows a minute of one (who, from, what, kind); the rest is counted
	refusalsOfAll = 200 // rows a minute; the rest is counted
	maxCounted    = 100 // that are counted apart; past them it is not told who or whence
)

// refusals counts, minute by minute, what was refused and is not worth a row each.
type refusals struct {
	lock  sync.Mutex
	began time.Time // this minute; zero: nothing was refused yet
	rows  int       // written in it
	of    map[refusal]*count
}

// refusal is what rows have in common that are counted together.
type refusal struct{ who, from, what, kind string }

type count struct {
	written, more int
	since         time.Time       // the first that was only counted
	like          octaskly.Action // what all those have in common
}

// due reports whether the minute is over.
func (r *refusals) due(now time.Time) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	return !r.began.IsZero() && now.Sub(r.began) >= writeEvery
}

// admit says whether a refusal has a row of its own; else it is counted.
func (r *refusals) admit(row octaskly.Action, now time.Time) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.begin(now)
	c := r.of[refusal{row.Who, row.From, row.What, row.Outcome}]
	written := 0
	if c != nil {
		written = c.written
	}
	if written >= refusalsOfOne || r.rows >= refusalsOfAll {
		r.count(row, 1, now)
		return false
	}
	if c == nil {
		c = &count{}
		r.of[refusal{row.Who, row.From, row.What, row.Outcome}] = c
	}
	c.written++
	r.rows++
	return true
}

func (r *refusals) begin(now time.Time) {
	if r.of == nil {
		r.of, r.began = map[refusal]*count{}, now
	}
}

// count adds n refusals like row to those that have no row.
func (r *refusals) count(row octaskly.Action, n int, now time.Time) {
	key := refusal{row.Who, row.From, row.What, row.Outcome}
	if r.of[key] == nil && len(r.of) >= maxCounted+refusalsOfAll {
		key.who, key.from, row.Who, row.From, row.Role = "", "", "", "", ""
	}
	c := r.of[key]
	if c == nil {
		c = &count{}
		r.of[key] = c
	}
	row.Detail = ""
	if c.more == 0 {
		c.like, c.since = row, now
	}
	if c.like.Target != row.Target {
		c.like.Target = ""
	}
	if c.like.Token != row.Token {
		c.like.Token = ""
	}
	c.more += n
}

// take returns what was counted in this minute, which is over with that.
func (r *refusals) take() (counted []*count) {
	r.lock.Lock()
	defer r.lock.Unlock()
	for _, c := range r.of {
		if c.more > 0 {
			counted = append(counted, c)
		}
	}
	r.of, r.began, r.rows = nil, time.Time{}, 0
	return counted
}

// putBack counts again what could not be written.
func (r *refusals) putBack(counted []*count, now time.Time) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.begin(now)
	for _, c := range counted {
		r.count(c.like, c.more, now)
	}
}
