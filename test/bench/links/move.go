package main

import (
	"context"
	"io"
	"time"

	"github.com/octaskly/octaskly/test/bench/numbers"
)

// measure is something to do with a link for a while. It returns units a second.
type measure struct {
	name, unit string
	do         func(l *link, span time.Duration) (float64, error)
}

const message = 200 // bytes

var measures = []measure{
	{"bulk", "MB/s", bulk},
	{"pipelined", "messages/s", pipelined},
	{"ping-pong", "rounds/s", pingPong},
}

// compare alternates between a session and its library, and returns the medians of
// both and of their ratio.
func compare(ctx context.Context, p protocol, m measure, o options) (ours, bare, ratio float64, err error) {
	var all [3][]float64
	for range o.rounds {
		if ctx.Err() != nil {
			return 0, 0, 0, ctx.Err()
		}
		a, err := once(ctx, p.ours, m, o.span)
		if err != nil {
			return 0, 0, 0, err
		}
		b, err := once(ctx, p.bare, m, o.span)
		if err != nil {
			return 0, 0, 0, err
		}
		for i, value := range []float64{a, b, a / b} {
			all[i] = append(all[i], value)
		}
	}
	return numbers.Median(all[0]), numbers.Median(all[1]), numbers.Median(all[2]), nil
}

func once(ctx context.Context, open func(context.Context, *link) error, m measure, span time.Duration) (float64, error) {
	l := &link{}
	defer l.close()
	if err := open(ctx, l); err != nil {
		return 0, err
	}
	return m.do(l, span)
}

func bulk(l *link, span time.Duration) (float64, error) {
	rate, err := stream(l.bulkHere, l.bulkThere, make([]byte, 256<<10), span)
	return rate / 1e6, err
}

func pipelined(l *link, span time.Duration) (float64, error) {
	rate, err := stream(l.here, l.there, make([]byte, message), span)
	return rate / message, err
}

// stream writes chunk again and again, and returns the bytes a second that have
// arrived.
func stream(from io.Writer, to io.Reader, chunk []byte, span time.Duration) (float64, error) {
	until := time.Now().Add(span)
	arrived := make(chan float64, 1)
	go func() {
		began, n := time.Now(), 0
		buf := make([]byte, 256<<10)
		for time.Now().Before(until) {
			got, err := to.Read(buf)
			n += got
			if err != nil {
				break
			}
		}
		arrived <- float64(n) / time.Since(began).Seconds()
		io.Copy(io.Discard, to) // for the writer to end
	}()
	for time.Now().Before(until) {
		if _, err := from.Write(chunk); err != nil {
			return 0, err
		}
	}
	from.Write(chunk) // for the reader to see that its time is over
	return <-arrived, nil
}

func pingPong(l *link, span time.Duration) (float64, error) {
	go func() {
		buf := make([]byte, message)
		for {
			if _, err := io.ReadFull(l.there, buf); err != nil {
				return
			}
			if _, err := l.there.Write(buf); err != nil {
				return
			}
		}
	}()
	buf, rounds, began := make([]byte, message), 0, time.Now()
	for time.Since(began) < span {
		if _, err := l.here.Write(buf); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(l.here, buf); err != nil {
			return 0, err
		}
		rounds++
	}
	return float64(rounds) / time.Since(began).Seconds(), nil
}
