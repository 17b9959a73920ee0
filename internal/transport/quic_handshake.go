package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/quic-go/quic-go"
)

// handshakes counts those that are on their way. Nobody can end one before its time
// is up, so there is no putting out who has most of them: a host has half the
// places at most.
type handshakes struct {
	max, total int
	by         map[string]int
}

// enter reports whether there is a place for one more of host.
func (h *handshakes) enter(host string) bool {
	if h.total >= h.max || h.by[host] >= max(h.max/2, 1) {
		return false
	}
	h.total++
	h.by[host]++
	return true
}

func (h *handshakes) leave(host string) {
	h.total--
	if h.by[host]--; h.by[host] <= 0 {
		delete(h.by, host)
	}
}

// isCrowded is true from a quarter of the places on. From then on who wants one
// must first show that his address is his own (Retry, RFC 9000 §8.1.2), so that
// with invented ones nobody gets more than that quarter.
func (h *handshakes) isCrowded() bool { return 4*h.total >= h.max }

func (l *quicListener) isCrowded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shaking.isCrowded()
}

// knock lets a handshake begin. ctx ends with the connection.
func (l *quicListener) knock(ctx context.Context, from *quic.ClientInfo) (context.Context, error) {
	host := hostOf(from.RemoteAddr.String())
	l.mu.Lock()
	entered := !l.closed && l.shaking.enter(host)
	l.mu.Unlock()
	if !entered {
		l.refused(from.RemoteAddr, errCrowded)
		return nil, errCrowded
	}
	done := sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.shaking.leave(host)
	})
	context.AfterFunc(ctx, func() {
		done()
		if why := context.Cause(ctx); !isOver(why) {
			l.refused(from.RemoteAddr, why)
		}
	})
	return context.WithValue(ctx, doneShaking{}, done), nil
}

// doneShaking is the key of the function that says that the handshake is over.
type doneShaking struct{}

// isOver reports whether why is how a connection ends that had its handshake.
func isOver(why error) bool {
	var application *quic.ApplicationError
	var idle *quic.IdleTimeoutError
	var reset *quic.StatelessResetError
	return errors.As(why, &application) || errors.As(why, &idle) || errors.As(why, &reset)
}

// explainQUIC finds the reason behind what went wrong on a connection.
func explainQUIC(err error) error {
	var known reason
	var timeout net.Error
	var application *quic.ApplicationError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return errSilent
	case errors.As(err, &application), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isReset(err):
		return errHungUp
	default:
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
}

func isReset(err error) bool {
	var stream *quic.StreamError
	return errors.As(err, &stream)
}
