package security

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// TestGate fills a gate of 2 and 3: two are inside, three wait, the sixth is told so,
// and whoever gives up makes room.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(2, 3)
		inside, leave, done := 0, make(chan struct{}), make(chan error, 6)
		enter := func(ctx context.Context) {
			go func() { done <- g.do(ctx, func() { inside++; <-leave }) }()
			synctest.Wait()
		}
		impatient, giveUp := context.WithCancel(t.Context())
		for range 4 {
			enter(t.Context())
		}
		enter(impatient)
		if inside != 2 {
			t.Fatalf("%d are inside, want 2", inside)
		}
		if err := g.do(t.Context(), func() { t.Error("it ran") }); !errors.Is(err, ErrBusy) {
			t.Errorf("past the queue: %v", err)
		}
		giveUp()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("whoever gave up: %v", err)
		}
		enter(t.Context())
		for n := range 5 {
			leave <- struct{}{}
			if err := <-done; err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if want := min(n+3, 5); inside != want {
				t.Errorf("%d have been inside after %d left, want %d", inside, n+1, want)
			}
		}
		if len(g.places) != 0 || len(g.running) != 0 {
			t.Error("somebody is still inside")
		}
	})
}

func TestGateContextThatIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // select would choose at random
		if err := newGate(1, 1).do(ctx, func() { t.Error("it ran") }); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}
