package worker

import (
	"slices"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/executor"
)

// lease is what one session tells the executor of the dispatcher's trust.
type lease struct {
	executor Executor
	length   time.Duration // 0: an older dispatcher, which does not tell

	mu    sync.Mutex
	pongs []pong // sent, and not known to have come; oldest first
}

type pong struct {
	number uint64
	sent   executor.Moment
}

// maxPongs bounds how many may be under way. A dispatcher answers each one.
const maxPongs = 16

// begin takes the welcome for the answer to a hello that was sent then.
func (l *lease) begin(x Executor, sent executor.Moment, length time.Duration) {
	l.executor, l.length = x, length
	x.Renew(sent, length)
}

// sending notes that a Pong is about to leave. The dispatcher cannot hear it
// earlier.
func (l *lease) sending(number uint64) {
	if l.length == 0 || number == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pongs) == maxPongs {
		l.pongs = slices.Delete(l.pongs, 0, 1)
	}
	l.pongs = append(l.pongs, pong{number, executor.Now()})
}

// heard is the dispatcher's word that a Pong has come, and so all before it.
func (l *lease) heard(number uint64) {
	l.mu.Lock()
	at := slices.IndexFunc(l.pongs, func(p pong) bool { return p.number == number })
	if number == 0 || at < 0 {
		l.mu.Unlock()
		return
	}
	sent := l.pongs[at].sent
	l.pongs = slices.Delete(l.pongs, 0, at+1)
	l.mu.Unlock()
	l.executor.Renew(sent, l.length)
}
