package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/test/cluster"
)

// conductor makes the plan come true, one step at a time.
type conductor struct {
	rig *rig

	mu    sync.Mutex
	told  []happening // what was done, for who has to understand a violation
	wrong []violation
}

// happening is one thing that was done to the fleet.
type happening struct {
	at   boottime
	what string
}

// step is the beginning or the end of a disaster.
type step struct {
	at   time.Duration
	what disaster
	undo bool
}

// steps are those of a round in the order of their time.
func (r round) steps() (all []step) {
	for _, d := range r {
		all = append(all, step{d.After, d, false})
		if d.Kind != anew {
			all = append(all, step{d.After + d.For, d, true})
		}
	}
	slices.SortStableFunc(all, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return all
}

// play goes through a round. It ends early when ctx is done, with everything
// undone.
func (c *conductor) play(ctx context.Context, r round) {
	began := time.Now()
	for _, s := range r.steps() {
		select {
		case <-time.After(time.Until(began.Add(s.at))):
		case <-ctx.Done():
		}
		if ctx.Err() != nil && !s.undo {
			continue
		}
		do, word := c.inflict, "begin"
		if s.undo {
			do, word = c.undo, "end"
		}
		c.tell("%s %s %s", word, s.what.Kind, s.what.Target)
		if err := do(s.what); err != nil {
			c.blame("daemons live until they are ended", s.what.Target, "%s %s: %v", word, s.what.Kind, err)
		}
	}
	for _, name := range c.rig.fallen() {
		c.blame("daemons live until they are ended", name, "it has ended by itself; it said:\n%s", c.rig.daemons[name].Logs())
		if err := c.rig.daemons[name].Launch(); err != nil {
			c.blame("daemons live until they are ended", name, "%v", err)
		}
	}
}

func (c *conductor) inflict(d disaster) error {
	daemon, link := c.rig.daemons[d.Target], c.rig.links[d.Target]
	switch d.Kind {
	case kill:
		return daemon.Kill()
	case freeze:
		return daemon.Signal(syscall.SIGSTOP)
	case stop:
		return daemon.Signal(syscall.SIGTERM)
	case anew:
		if !daemon.Ready() { // it has not learned to catch HUP
			c.tell("%s is not ready for %s", d.Target, d.Kind)
			return nil
		}
		return daemon.Signal(syscall.SIGHUP)
	case drain:
		c.drain(d, nil)
	case expel:
		c.drain(d, seconds(d.For/2))
	default:
		link.Set(skies[d.Kind])
	}
	return nil
}

// skies are the weather of each disaster of a link.
var skies = map[kind]cluster.Weather{
	cut:    {Cut: true},
	stall:  {Mute: true, Deaf: true},
	mute:   {Mute: true},
	deaf:   {Deaf: true},
	slow:   {Delay: 50 * time.Millisecond},
	garble: {Lossy: true},
}

func (c *conductor) undo(d disaster) error {
	daemon := c.rig.daemons[d.Target]
	switch d.Kind {
	case kill:
		return daemon.Launch()
	case freeze:
		return daemon.Signal(syscall.SIGCONT)
	case stop:
		return c.startAgain(d.Target)
	case drain, expel:
		c.resume(d.Target)
	default:
		c.rig.links[d.Target].Heal()
	}
	return nil
}

// startAgain waits for a daemon that was told to stop, and starts it.
func (c *conductor) startAgain(name string) error {
	daemon := c.rig.daemons[name]
	if err := daemon.AwaitStop(); err != nil {
		c.blame("daemons stop in good order", name, "%v", err)
	}
	return daemon.Launch()
}

// drain asks once: the dispatcher may be away, or frozen.
func (c *conductor) drain(d disaster, deadline *api.Seconds) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime/6)
	defer cancel()
	if _, err := c.rig.client.Drain(ctx, d.Target, api.DrainRequest{Reason: "chaos", Deadline: deadline}); err != nil {
		c.tell("drain %s has no answer: %v", d.Target, err)
	}
}

func (c *conductor) resume(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime/6)
	defer cancel()
	if _, err := c.rig.client.Resume(ctx, name); err != nil {
		c.tell("resume %s has no answer: %v", name, err)
	}
}

// resumeAll lets every worker take tasks again.
func (c *conductor) resumeAll(ctx context.Context) error {
	for _, name := range c.rig.fleet.workers() {
		for {
			_, err := c.rig.client.Resume(ctx, name)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("cannot resume %s: %w", name, err)
			}
			time.Sleep(repeatPause)
		}
	}
	return nil
}

func (c *conductor) tell(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, happening{uptime(), fmt.Sprintf(format, args...)})
}

func (c *conductor) blame(rule, who, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, violation{rule, who, fmt.Sprintf(format, args...)})
}

// around are the happenings between two moments, one a line.
func (c *conductor) around(from, to boottime) string {
	var lines strings.Builder
	for _, h := range c.told {
		if h.at >= from && h.at <= to {
			fmt.Fprintf(&lines, "%v  %s\n", h.at, h.what)
		}
	}
	return lines.String()
}
