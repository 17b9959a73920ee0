package dispatcher

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/internal/transport"
)

// live is a dispatcher that runs, with its control socket and workers that the
// test plays.
type live struct {
	*client.Client
	t   testing.TB
	d   *Dispatcher
	log *journal
}

func goLive(t testing.TB, policy octaskly.Policy, tune ...func(*Dispatcher)) *live {
	t.Helper()
	l := &live{t: t, log: &journal{}}
	dir := t.TempDir()
	log := slog.New(slog.NewTextHandler(l.log, nil))
	s, err := store.Open(t.Context(), filepath.Join(dir, "octaskly.db"), log)
	l.check(err)
	l.d, err = New(Config{Dir: dir, MaxQueued: 1000, Lease: time.Hour, MaxOutput: 1 << 20, Policy: policy, Log: log}, s)
	l.check(err)
	for _, change := range tune {
		change(l.d)
	}
	socket, err := api.Listen(filepath.Join(dir, "s"))
	l.check(err)
	l.Client = client.New(client.Options{Socket: filepath.Join(dir, "s")})
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	ready := make(chan struct{})
	run := func(part func() error) {
		parts.Go(func() {
			if err := part(); err != nil {
				t.Error(err)
			}
		})
	}
	run(func() error { return l.d.Run(ctx, nobody{}, func() { close(ready) }) })
	<-ready
	run(func() error {
		return api.Serve(ctx, socket, api.New(l.d, nil, api.Config{Version: "1", Access: api.DefaultAccess(), Log: log}), log)
	})
	t.Cleanup(func() {
		l.Client.Close()
		stop()
		parts.Wait()
		l.check(s.Close())
	})
	return l
}

func (l *live) check(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// nobody comes in.
type nobody struct{}

func (nobody) Accept(ctx context.Context) (transport.Session, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
func (nobody) Addr() net.Addr { return nil }
func (nobody) Close() error   { return nil }

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// lines that contain all words.
func (j *journal) lines(words ...string) (found []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.text.String()) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			found = append(found, line)
		}
	}
	return found
}

// inCore runs f there.
func (l *live) inCore(f func(*core)) {
	l.t.Helper()
	_, err := ask(context.Background(), l.d, func(c *core, reply func(struct{}, error)) {
		f(c)
		c.batch.after(func(err error) { reply(struct{}{}, err) })
	})
	l.check(err)
}

// hand is a worker that the test plays.
type hand struct {
	l *live
	s *session
}

// join lets a worker join, whose id follows from its name.
func (l *live) join(name string, features ...string) *hand {
	return l.joinAs(&protocol.Hello{Version: 1, Worker: workerID(name), Name: name, Slots: 2, Features: features})
}

func (l *live) joinAs(hello *protocol.Hello) *hand {
	h := &hand{l, &session{link: deadLink{}, close: func() {}, wake: make(chan struct{}, 1)}}
	l.inCore(func(c *core) {
		hello.Generation = c.store.Generation()
		c.join(h.s, hello)
	})
	return h
}

// hello is how a worker of so many slots introduces itself.
func (l *live) hello(name string, slots int) *protocol.Hello {
	return &protocol.Hello{Version: 1, Worker: workerID(name), Name: name, Slots: slots, Features: []string{levelNone}}
}

func recalled(id octaskly.AttemptID) *protocol.FromWorker {
	return &protocol.FromWorker{Recalled: []octaskly.AttemptID{id}}
}

func workerID(name string) octaskly.WorkerID {
	return octaskly.WorkerID(name + strings.Repeat("0", 16-len(name)))
}

func (h *hand) say(batch *protocol.FromWorker) {
	h.l.t.Helper()
	h.l.check(checkBatch(batch))
	h.l.inCore(func(c *core) { c.hear(h.s, batch) })
}

func (h *hand) leave(goodbye bool) { h.l.inCore(func(c *core) { c.leave(h.s, goodbye) }) }

// task waits for an assignment and starts the first task of it.
func (h *hand) task() octaskly.AttemptID {
	for {
		<-h.s.wake
		frames, _ := h.s.take()
		for _, frame := range frames {
			if len(frame.Assign) > 0 {
				a := frame.Assign[0]
				id := octaskly.AttemptID{Job: a.Job, Index: a.Elements[0].Lo, Number: a.Attempt}
				h.say(&protocol.FromWorker{Started: []protocol.Started{{ID: id, At: now()}}})
				return id
			}
		}
	}
}

func (h *hand) end(id octaskly.AttemptID, end octaskly.End) {
	end.StartedAt, end.EndedAt = now(), now()
	h.say(&protocol.FromWorker{Finished: []protocol.Finished{{ID: id, End: end}}})
}

// submit sends a submission of `true` with what edit makes of it.
func (l *live) submit(edit func(*api.Submission)) (octaskly.TaskID, error) {
	s := &api.Submission{Argv: []api.Text{"true"}}
	edit(s)
	accepted, err := l.Submit(l.t.Context(), s)
	if err != nil {
		return octaskly.TaskID{}, err
	}
	return octaskly.ParseTaskID(accepted.ID)
}

func (l *live) show(id octaskly.TaskID) *api.Detail {
	l.t.Helper()
	detail, err := l.Show(l.t.Context(), id)
	l.check(err)
	return detail
}

// stored is a job's spec as it was accepted.
func (l *live) stored(id octaskly.TaskID) *octaskly.Spec {
	l.t.Helper()
	record, err := l.d.store.Job(l.t.Context(), id.Job)
	l.check(err)
	spec, err := protocol.DecodeSpec(record.Job.SpecVersion, record.Job.Spec)
	l.check(err)
	return spec
}

// able are the features of a worker that has levels with all limits.
func able(levels ...octaskly.Level) []string {
	features := slices.Concat([]string{octaskly.KillCgroup}, octaskly.LimitFeatures)
	for _, level := range levels {
		features = append(features, level.Feature())
	}
	return features
}
