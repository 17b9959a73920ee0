package far

import (
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// Quality is what a line does to each packet, the same in both directions.
type Quality struct {
	Delay   time.Duration // of each direction
	Rate    int           // bits per second; 0 is as fast as it goes
	Queue   time.Duration // that may wait for its turn at Rate; what comes then is lost. 0 is 25 ms
	Lost    float64       // share of packets
	Doubled float64       // share that arrives twice
	Late    float64       // share that others overtake
}

const (
	usualQueue = 25 * time.Millisecond
	// onTheWay bounds the packets on a direction: 100 ms of 1 Gbit/s.
	onTheWay = 8192
	// overtaken is how much later than its turn a late packet comes.
	overtaken = 5 * time.Millisecond
)

// Line joins two ends until Close.
type Line struct {
	ends  [2]*os.File
	tasks sync.WaitGroup

	mu      sync.Mutex
	quality Quality
}

// Join makes a line of two ends, which from then on are its to close.
func Join(a, b *os.File, q Quality) *Line {
	l := &Line{ends: [2]*os.File{a, b}, quality: q}
	l.carry(a, b, rand.New(rand.NewPCG(1, 1)))
	l.carry(b, a, rand.New(rand.NewPCG(2, 2)))
	return l
}

// Become changes what happens to packets from now on.
func (l *Line) Become(q Quality) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quality = q
}

func (l *Line) now() Quality {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.quality
}

// Close cuts the line and waits for what carries its packets.
func (l *Line) Close() {
	for _, end := range l.ends {
		end.Close()
	}
	l.tasks.Wait()
}

// packet is due at the other end.
type packet struct {
	bytes []byte
	due   time.Time
}

func (l *Line) carry(from, to *os.File, dice *rand.Rand) {
	straight, late := make(chan packet, onTheWay), make(chan packet, onTheWay)
	deliver := func(packets <-chan packet) {
		for p := range packets {
			until(p.due)
			to.Write(p.bytes) // a device that is down loses it, as a line does
		}
	}
	l.tasks.Go(func() { deliver(straight) })
	l.tasks.Go(func() { deliver(late) })
	l.tasks.Go(func() {
		defer close(straight)
		defer close(late)
		l.read(from, dice, straight, late)
	})
}

func (l *Line) read(from *os.File, dice *rand.Rand, straight, late chan<- packet) {
	var d direction
	buffer := make([]byte, mtu)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		q := l.now()
		p := packet{append([]byte(nil), buffer[:n]...), d.take(n, time.Now(), &q)}
		if p.due.IsZero() || dice.Float64() < q.Lost {
			continue
		}
		if dice.Float64() < q.Late {
			p.due = p.due.Add(overtaken)
			send(late, p)
			continue
		}
		send(straight, p)
		if dice.Float64() < q.Doubled {
			send(straight, p)
		}
	}
}

// send loses what there is no place for.
func send(packets chan<- packet, p packet) {
	select {
	case packets <- p:
	default:
	}
}

// direction knows until when a line is taken by what was sent before.
type direction struct{ free time.Time }

// take says when n bytes that come now arrive, or never: the zero time.
func (d *direction) take(n int, now time.Time, q *Quality) time.Time {
	if q.Rate == 0 {
		return now.Add(q.Delay)
	}
	queue := q.Queue
	if queue == 0 {
		queue = usualQueue
	}
	if d.free.Before(now) {
		d.free = now
	}
	if d.free.Sub(now) > queue {
		return time.Time{}
	}
	d.free = d.free.Add(time.Duration(n) * 8 * time.Second / time.Duration(q.Rate))
	return d.free.Add(q.Delay)
}
