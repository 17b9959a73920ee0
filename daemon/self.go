package main

import (
	"cmp"
	"context"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/metrics"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/worker"
)

// self is what a worker's own socket tells.
type self struct {
	c       *config.Worker
	in      *entrance
	joined  func() *worker.Joined
	hello   func() *protocol.Hello // nil while there is no executor
	running func() int
	who     func(context.Context, protocol.Caller) (protocol.Identity, error)
	counts  func(*metrics.Page)
}

func (s *self) Worker(context.Context, api.Caller) (*api.Worker, error) {
	w := &api.Worker{ID: string(s.in.id), Name: s.c.Name, State: "away", Version: version, Running: s.running(), SeenAt: time.Now()}
	if joined := s.joined(); joined != nil {
		w.State, w.Address = "connected", joined.Address
	}
	w.Waiting = s.in.waiting()
	if hello := s.hello(); hello != nil {
		w.Slots, w.Features, w.Checks = hello.Slots, hello.Features, api.ChecksOf(hello.Checks)
		w.CPUs, w.Memory = float64(hello.Room[octaskly.CPU])/1000, hello.Room[octaskly.Memory]
	}
	return w, nil
}

func (s *self) Dispatcher() string {
	if joined := s.joined(); joined != nil {
		return "its dispatcher is at " + joined.Address + ", run octasklyctl there"
	}
	if text := s.in.waiting(); text != "" {
		return "it waits " + text
	}
	if s.c.Dispatcher == "" {
		return "no dispatcher serves on this machine: systemctl start octasklyd-dispatcher, or name another one's address in worker.toml"
	}
	return "its dispatcher is at " + s.c.Dispatcher + ", run octasklyctl there"
}

// dispatcherOf is where a worker looks for its dispatcher.
func dispatcherOf(c *config.Worker) string {
	if c.Dispatcher == "" && c.Discover {
		return localDispatcher + " and on the network"
	}
	return cmp.Or(c.Dispatcher, localDispatcher)
}

// runningOf counts the commands among what an executor has.
func runningOf(held []protocol.Held) (n int) {
	for _, h := range held {
		if h.State == octaskly.Running {
			n++
		}
	}
	return n
}
