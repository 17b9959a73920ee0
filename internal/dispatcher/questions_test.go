package dispatcher

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// TestQuestionsDuringACommit are answered, though the disk takes its time; whether the
// core still gets anything done is not one of them.
func TestQuestionsDuringACommit(t *testing.T) {
	s := &slowStore{writing: make(chan struct{}), goOn: make(chan struct{})}
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { s.Store, d.store = d.store, s })
	goOn := sync.OnceFunc(func() { close(s.goOn) })
	t.Cleanup(goOn)
	answered := make(chan error, 2)
	submit := func() {
		_, err := l.submit(func(*api.Submission) {})
		answered <- err
	}
	go submit()
	<-s.writing
	s.goOn <- struct{}{}
	l.check(<-answered)
	go submit()
	<-s.writing

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	who := api.Caller{Name: "root", Admin: true}
	shown, err := l.d.Show(ctx, who, octaskly.TaskID{Job: 1})
	l.check(err)
	if shown.Waits != "no worker is connected" {
		t.Errorf("it waits since %q", shown.Waits)
	}
	_, err = l.d.Stats(ctx, who, "")
	l.check(err)
	_, err = l.d.Workers(ctx, who)
	l.check(err)
	asked, stop := context.WithCancel(ctx)
	stuck := make(chan error, 1)
	go func() { stuck <- l.d.Check(asked) }()
	if _, err = l.d.Workers(ctx, who); err != nil || len(stuck) > 0 {
		t.Error("a core that waits for its disk is said to answer", err)
	}
	stop()
	<-stuck
	goOn()
	l.check(<-answered)
}
