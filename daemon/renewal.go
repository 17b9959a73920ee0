package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/transport"
)

const (
	renewCheck   = time.Hour // that a machine which sleeps may be late by
	renewTimeout = 30 * time.Second
)

// renewDuring renews the worker's certificate in time, over link, until that ends. The session goes on with what it was opened with.
func (e *entrance) renewDuring(link transport.Session) {
	for {
		wait := min(time.Until(e.papers.renewAt()), renewCheck)
		timer := time.NewTimer(wait)
		select {
		case <-link.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if time.Now().Before(e.papers.renewAt()) {
			continue
		}
		if err := e.renew(link); err != nil && !e.later(link, err) {
			return
		}
	}
}

// later waits until another try makes sense. It reports false when the session ends.
func (e *entrance) later(link transport.Session, why error) bool {
	select {
	case <-link.Done():
		return false
	default:
	}
	held := e.papers.held.Load()
	wait := min(max(time.Until(held.Certificate.NotAfter)/20, time.Second), renewCheck)
	wait = wait/2 + rand.N(wait)
	e.log.Warn("Cannot renew this worker's certificate; it tries again", "why", why, "until", held.Certificate.NotAfter, "in", wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-link.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (e *entrance) renew(link transport.Session) error {
	answer, err := askRenewal(link)
	if err != nil {
		return err
	}
	fresh, err := e.papers.held.Load().Renewed(answer.Certificate, answer.Authority, time.Now())
	if err != nil {
		return err
	}
	if err := e.papers.keep(fresh); err != nil {
		return err
	}
	e.log.Info("This worker's certificate is renewed", "until", fresh.Certificate.NotAfter)
	return nil
}

func askRenewal(link transport.Session) (*protocol.Renewed, error) {
	ctx, cancel := context.WithTimeout(context.Background(), renewTimeout)
	defer cancel()
	header, err := protocol.Marshal(&protocol.BulkHeader{Renew: true})
	if err != nil {
		return nil, err
	}
	bulk, err := link.OpenBulk(ctx, header)
	if err != nil {
		return nil, err
	}
	defer bulk.Close()
	bulk.SetReadDeadline(time.Now().Add(renewTimeout))
	text, err := io.ReadAll(io.LimitReader(bulk, protocol.MaxRenewed+1))
	if err != nil {
		return nil, err
	}
	if len(text) > protocol.MaxRenewed {
		return nil, fmt.Errorf("its answer is larger than %d bytes", protocol.MaxRenewed)
	}
	var answer protocol.Renewed
	if err := protocol.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	if answer.Refused != "" {
		return nil, fmt.Errorf("the dispatcher refuses: %.200q", answer.Refused)
	}
	if len(answer.Certificate) == 0 {
		return nil, errors.New("the dispatcher sent no certificate")
	}
	return &answer, nil
}
