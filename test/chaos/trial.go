package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/octaskly/octaskly/test/cluster"
)

// trial is one run: a fleet, a load, a plan, and a judgement.
type trial struct {
	*options
	log     io.Writer
	rig     *rig
	book    *book
	conduct *conductor
	shopper *customer
	fresh   map[string]size // of the daemons when they were new
	found   []violation
	all     []*history
}

// try runs rounds of disasters under load and judges what has become of the load.
// The error is of the trial itself; violations are another thing.
func try(ctx context.Context, o *options, log io.Writer) (t *trial, err error) {
	t = &trial{options: o, log: log, book: &book{}}
	defer func() { err = errors.Join(err, cluster.Clean()) }()
	f := fleet{Inside: []string{"w1", "w2"}, Apart: []string{"a1", "a2"}}
	mark := fmt.Sprintf("chaos-%d-%d", o.seed, os.Getpid())
	if t.rig, err = build(o.dir, o.lease, f, mark); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close(err)) }()
	starting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := t.rig.start(starting); err != nil {
		return nil, err
	}
	if t.fresh, err = t.rig.sizes(); err != nil {
		return nil, err
	}
	t.conduct = &conductor{rig: t.rig}
	t.shopper = &customer{book: t.book, client: t.rig.client, cluster: t.rig.cluster}
	if err := t.play(ctx); err != nil {
		return nil, err
	}
	return t, t.judge(ctx)
}

// close keeps the scratch directory where there is something to look at.
func (t *trial) close(failed error) error {
	keep := failed != nil || len(t.found) > 0
	err := t.rig.close(keep)
	slay(t.rig.mark)
	if keep {
		fmt.Fprintf(t.log, "everything is left in %s for a look\n", t.rig.cluster.Dir)
	}
	return err
}

// play has all rounds come true while orders are submitted, then heals everything
// and waits until what was accepted is over.
func (t *trial) play(ctx context.Context) error {
	life, end := context.WithCancel(ctx)
	shopping, closeShop := context.WithCancel(life)
	var watcher, shop sync.WaitGroup
	watcher.Go(func() { t.shopper.watch(life) })
	shop.Go(func() { t.shopper.shop(shopping, life, t.orders()) })
	defer func() {
		end()
		closeShop()
		shop.Wait()
		watcher.Wait()
		t.shopper.errands.Wait()
	}()
	for i, r := range draw(t.seed, t.rounds, t.lease, t.rig.fleet) {
		fmt.Fprintf(t.log, "%4d  %v\n", i+1, r)
		t.conduct.play(ctx, r)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	closeShop()
	shop.Wait()
	return t.settle(ctx)
}

func (t *trial) orders() *catalogue {
	argv := []string{t.rig.program, "-mark", t.rig.mark, "-ledger", t.rig.ledger}
	return newCatalogue(t.seed, t.lease, argv)
}

// settle waits for the end of all that was accepted, whether its client heard so
// or not.
func (t *trial) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	if err := t.conduct.resumeAll(ctx); err != nil {
		return err
	}
	names, err := list(ctx, t.rig.client)
	if err != nil {
		return err
	}
	t.book.adopt(names)
	if err := settle(ctx, t.book); err != nil {
		t.blame("accepted is kept", err.Error()) // and judged with all others
	}
	return nil
}

func (t *trial) blame(rule string, what ...string) {
	for _, one := range what {
		t.found = append(t.found, violation{Rule: rule, What: one})
	}
}

// judge compares ledger, store, processes and files.
func (t *trial) judge(ctx context.Context) error {
	if err := t.judgeIdle(); err != nil { // first: what executors still hold may be late ends, with outputs
		return err
	}
	if err := t.judgeTasks(ctx); err != nil {
		return err
	}
	groups := t.rig.groups()
	for _, name := range t.rig.names() {
		if err := t.rig.daemons[name].Stop(); err != nil {
			t.blame("daemons stop in good order", err.Error())
		}
	}
	left, err := await(func() ([]string, error) { return marked(t.rig.mark) })
	t.blame("no process is left", left...)
	t.blame("no cgroup is left", existing(groups)...)
	stray, strayErr := t.rig.strayOutputs(t.all, t.book.jobs)
	t.blame("the dispatcher keeps what rows name", stray...)
	t.found = append(append(t.found, t.book.complaints...), t.conduct.wrong...)
	return errors.Join(err, strayErr)
}

// judgeTasks holds every task against the rules.
func (t *trial) judgeTasks(ctx context.Context) error {
	file, err := os.Open(t.rig.ledger)
	if err != nil {
		return err
	}
	defer file.Close()
	marks, err := readLedger(file)
	if err != nil {
		return err
	}
	names, err := list(ctx, t.rig.client)
	if err != nil {
		return err
	}
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	t.found = append(t.found, accepted(t.book.jobs, names, marks)...)
	if t.all, err = inventory(ctx, t.rig.client, t.book, marks); err != nil {
		return err
	}
	for _, h := range t.all {
		t.found = append(t.found, judge(h)...)
	}
	return nil
}

// judgeIdle looks at daemons that have nothing to do any more.
func (t *trial) judgeIdle() error {
	left, err := await(func() ([]string, error) { return marked(t.rig.mark) })
	if err != nil {
		return err
	}
	t.blame("dead means dead", left...)
	held, err := await(t.rig.held)
	if err != nil {
		return err
	}
	t.blame("no file is left with executors", held...)
	t.rig.client.Close() // its connections are open files, too
	big, err := await(func() ([]string, error) {
		now, err := t.rig.sizes()
		return grown(t.fresh, now), err
	})
	t.blame("idle daemons are small", big...)
	return err
}
