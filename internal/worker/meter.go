package worker

import (
	"sync"

	"github.com/octaskly/octaskly/internal/metrics"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/transport"
)

// meter is what a worker counts, since it started.
type meter struct {
	sessions, offered, started, ended, output metrics.Counter

	mu    sync.Mutex
	begun map[octaskly.AttemptID]bool // commands that are counted and not acknowledged
}

// up counts what is said to the dispatcher. A command that is soon over has but an
// end, which is repeated in every session until it is acknowledged.
func (m *meter) up(batch *protocol.FromWorker) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if batch.Hello != nil {
		m.resume(batch.Hello.Held)
	}
	for _, s := range batch.Started {
		m.begin(s.ID)
	}
	for i := range batch.Finished {
		f := &batch.Finished[i]
		m.output.Add(int64(len(f.Output)))
		if !f.End.StartedAt.IsZero() {
			m.begin(f.ID)
		}
	}
}

// resume notes what has begun by now. The first time, that was before this process.
func (m *meter) resume(held []protocol.Held) {
	known := m.begun
	m.begun = map[octaskly.AttemptID]bool{}
	for _, h := range held {
		switch {
		case h.StartedAt.IsZero():
		case known == nil || known[h.ID]:
			m.begun[h.ID] = true
		default:
			m.begin(h.ID)
		}
	}
}

func (m *meter) begin(id octaskly.AttemptID) {
	if m.begun != nil && !m.begun[id] {
		m.begun[id] = true
		m.started.Inc()
	}
}

// down counts what the dispatcher says.
func (m *meter) down(batch *protocol.ToWorker) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range batch.Assign {
		if elements := batch.Assign[i].Elements; elements.Valid() { // else it is refused
			m.offered.Add(elements.Count())
		}
	}
	m.ended.Add(int64(len(batch.Ack)))
	for _, id := range batch.Ack {
		delete(m.begun, id)
	}
	for _, stop := range batch.Stop {
		if stop.Drop { // its end is not reported
			delete(m.begun, stop.ID)
		}
	}
}

// measure counts what is written to a channel for an output.
func (m *meter) measure(channel transport.Channel) transport.Channel {
	return measured{channel, &m.output}
}

type measured struct {
	transport.Channel
	bytes *metrics.Counter
}

func (m measured) Write(b []byte) (int, error) {
	n, err := m.Channel.Write(b)
	m.bytes.Add(int64(n))
	return n, err
}

// Metrics writes what the worker has counted.
func (w *Worker) Metrics(p *metrics.Page) { w.meter.write(p, &w.redial) }

// Metrics writes what the worker has counted.
func (r *Relay) Metrics(p *metrics.Page) { r.meter.write(p, &r.redial) }

func (m *meter) write(p *metrics.Page, r *redial) {
	count := func(name, help string, c *metrics.Counter) { p.Counter(name, help, metrics.Of(c.Value())) }
	count("octaskly_worker_sessions_started_total", "Sessions with the dispatcher that have begun.", &m.sessions)
	count("octaskly_worker_session_failures_total", "Times that there was no session with the dispatcher, or it was lost.", &r.failures)
	count("octaskly_worker_attempts_offered_total", "Attempts that the dispatcher has assigned to this worker.", &m.offered)
	count("octaskly_worker_commands_started_total", "Commands that have started.", &m.started)
	count("octaskly_worker_attempts_ended_total", "Attempts whose end the dispatcher has written down.", &m.ended)
	count("octaskly_worker_output_sent_bytes_total", "Bytes of output that were sent to the dispatcher.", &m.output)
}
