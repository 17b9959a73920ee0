package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// kind is what a disaster does to its target.
type kind string

const (
	kill   kind = "kill"   // KILL, and a start later
	freeze kind = "freeze" // STOP, and CONT later
	stop   kind = "stop"   // TERM, and a start later
	anew   kind = "hup"    // HUP: the executor executes itself anew
	drain  kind = "drain"  // worker drain, and resume later
	expel  kind = "expel"  // worker drain with a deadline that passes, and resume later
	cut    kind = "cut"    // the link is cut: connections end, new ones are refused
	stall  kind = "stall"  // nothing passes, either way
	mute   kind = "mute"   // what the worker says is not heard
	deaf   kind = "deaf"   // the worker does not hear
	slow   kind = "slow"   // everything takes its time
	garble kind = "garble" // bytes get lost
)

// disaster befalls one target.
type disaster struct {
	Kind   kind
	Target string        // name of a daemon, or of the worker whose link it is
	After  time.Duration // from the beginning of its round
	For    time.Duration // until it is undone
}

func (d disaster) String() string {
	text := fmt.Sprintf("%s %s", d.Kind, d.Target)
	if d.After > 0 {
		text += fmt.Sprintf(" after %v", d.After)
	}
	if d.For > 0 {
		text += fmt.Sprintf(" for %v", d.For)
	}
	return text
}

// round is what happens together; the next begins when all of it is undone.
type round []disaster

func (r round) String() string {
	all := make([]string, len(r))
	for i, d := range r {
		all[i] = d.String()
	}
	return strings.Join(all, ", ")
}

// fleet names those whom disasters may befall.
type fleet struct {
	Inside []string // workers with their executor inside
	Apart  []string // workers whose executor is a process of its own
}

const dispatcherName = "dispatcher"

// executorOf is the name of the executor of a worker apart.
func executorOf(worker string) string { return worker + "-x" }

func (f fleet) workers() []string { return slices.Concat(f.Inside, f.Apart) }

// executors are those apart.
func (f fleet) executors() (names []string) {
	for _, w := range f.Apart {
		names = append(names, executorOf(w))
	}
	return names
}

// targets says whom a kind of disaster may befall.
//
// Nobody kills an executor apart: its unit would end its commands then, and there
// is none here.
func (f fleet) targets(k kind) []string {
	switch k {
	case kill:
		return append([]string{dispatcherName, dispatcherName}, f.workers()...)
	case freeze, stop:
		return slices.Concat([]string{dispatcherName}, f.workers(), f.executors())
	case anew:
		return f.executors()
	}
	return f.workers()
}

// menu has each kind as often as it is to come, relatively.
var menu = []kind{
	kill, kill, kill, kill, freeze, freeze, freeze, stop, stop, anew, drain, expel,
	cut, cut, stall, stall, mute, deaf, slow, garble,
}

// draw makes the plan of a run. It is the same for the same arguments.
func draw(seed uint64, rounds int, lease time.Duration, f fleet) []round {
	r := rand.New(rand.NewPCG(seed, 1))
	plan := make([]round, rounds)
	for i := range plan {
		plan[i] = drawRound(r, lease, f)
	}
	return plan
}

func drawRound(r *rand.Rand, lease time.Duration, f fleet) (drawn round) {
	n := 1
	for n < 3 && r.IntN(3) == 0 {
		n++
	}
	taken := map[string]bool{}
	for len(drawn) < n {
		d := drawDisaster(r, lease, f)
		if place := d.place(); !taken[place] {
			taken[place] = true
			drawn = append(drawn, d)
		}
	}
	drawn[0].After = 0
	return drawn
}

// place is what no two disasters of a round share: a process or a link.
func (d disaster) place() string {
	switch d.Kind {
	case kill, freeze, stop, anew:
		return d.Target
	case drain, expel:
		return "word on " + d.Target
	}
	return "link of " + d.Target
}

func drawDisaster(r *rand.Rand, lease time.Duration, f fleet) disaster {
	d := disaster{Kind: menu[r.IntN(len(menu))]}
	targets := f.targets(d.Kind)
	d.Target = targets[r.IntN(len(targets))]
	d.After = milliseconds(r, 0, lease/4)
	switch {
	case d.Kind == anew:
	case d.Kind == freeze && slices.Contains(f.executors(), d.Target):
		// Its deadlines for --at-most-one have an eighth of a lease to spare.
		d.For = milliseconds(r, lease/50, lease/10)
	case r.IntN(5) == 0:
		d.For = milliseconds(r, lease*11/10, lease*3/2)
	default:
		d.For = milliseconds(r, lease/20, lease/2)
	}
	return d
}

func milliseconds(r *rand.Rand, from, to time.Duration) time.Duration {
	return (from + time.Duration(r.Int64N(int64(to-from)))).Round(time.Millisecond)
}
