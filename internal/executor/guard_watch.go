package executor

import "time"

// watch is what a guard process knows and when it acts. It is pure: whoever has it
// says what time it is.
type watch struct {
	until Moment // that anything may live; 0: nothing is known of it, and so nothing may
	wards map[uint64]*ward
	alone Moment // when the executor went away; 0: it is there
}

// ward is an attempt that a guard watches.
type ward struct {
	target    target
	condemned Moment // when it was; 0: it may live
}

// target is what there is to be killed of an attempt.
type target interface {
	// kill sends KILL to all that is found. Vacant says that nothing was, and that
	// nothing can come any more.
	kill(alone time.Duration) (vacant bool)
	// lead says which process it is about.
	lead(pid int, start uint64)
	close()
}

const (
	maxWards   = 1 << 12
	lastEffort = 10 * time.Second // how long a guard tries to kill when nobody needs it any more
)

// begin puts an attempt under guard. One that was condemned stays so, whatever it
// has to be killed by now.
func (w *watch) begin(id uint64, t target, now Moment) bool {
	old := w.wards[id]
	if old == nil && len(w.wards) >= maxWards {
		return false
	}
	fresh := &ward{target: t}
	if old != nil {
		fresh.condemned = old.condemned
		old.target.close()
	}
	w.wards[id] = fresh
	w.judge(now)
	return true
}

// end forgets an attempt of which nothing is left.
func (w *watch) end(id uint64) {
	if old := w.wards[id]; old != nil {
		old.target.close()
		delete(w.wards, id)
	}
}

// renew lets attempts live until another moment, but those that should be dead by
// now: they may run elsewhere already.
func (w *watch) renew(until, now Moment) {
	w.judge(now)
	w.until = until
	w.judge(now)
}

// leave says that the executor is gone. What it ran has no owner any more.
func (w *watch) leave(now Moment) {
	if w.alone == 0 {
		w.alone = now
	}
	w.judge(now)
}

// judge condemns what must not live any longer.
func (w *watch) judge(now Moment) {
	if w.alone == 0 && now < w.until {
		return
	}
	for _, ward := range w.wards {
		if ward.condemned == 0 {
			ward.condemned = now
		}
	}
}

// act kills the condemned. A living executor says itself when nothing is left of
// them: until then it may be about to start one.
func (w *watch) act(now Moment) {
	w.judge(now)
	for id, ward := range w.wards {
		if ward.condemned == 0 {
			continue
		}
		vacant := ward.target.kill(w.aloneFor(now))
		if vacant && w.alone != 0 {
			w.end(id)
		}
	}
}

// aloneFor is how long the executor has been gone.
func (w *watch) aloneFor(now Moment) time.Duration {
	if w.alone == 0 {
		return 0
	}
	return time.Duration(now - w.alone)
}

// next is when to act again; 0: when somebody says something.
func (w *watch) next(now Moment) (at Moment) {
	for _, ward := range w.wards {
		due := w.until
		if ward.condemned != 0 {
			due = now.Add(pace(time.Duration(now - ward.condemned)))
		}
		if at == 0 || due < at {
			at = due
		}
	}
	return at
}

// pace is the pause between two looks at somebody who was condemned so long ago.
func pace(age time.Duration) time.Duration {
	if age < 2*time.Second {
		return 10 * time.Millisecond
	}
	return 500 * time.Millisecond
}

// over reports whether there is nothing to guard, or nothing that more could be
// done to, and no executor.
func (w *watch) over(now Moment) bool {
	return w.alone != 0 && (len(w.wards) == 0 || now >= w.alone.Add(lastEffort))
}
