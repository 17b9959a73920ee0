package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/spool"
	"github.com/octaskly/octaskly/internal/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeExecutor remembers what it was told and reports what a test says.
type fakeExecutor struct {
	wake chan struct{}
	told chan string // one line for each call that matters

	mu       sync.Mutex
	finished []protocol.Finished // not taken
	kept     []protocol.Finished // not released
	offered  map[octaskly.AttemptID]*executor.Attempt
	outputs  map[octaskly.AttemptID]*spool.Log
	checks   []octaskly.Check
	usage    []protocol.Usage
	renewed  executor.Moment
}

func newFakeExecutor() *fakeExecutor {
	return &fakeExecutor{
		wake: make(chan struct{}, 1), told: make(chan string, 100),
		offered: map[octaskly.AttemptID]*executor.Attempt{}, outputs: map[octaskly.AttemptID]*spool.Log{},
	}
}

func (x *fakeExecutor) Offer(attempts []*executor.Attempt) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, a := range attempts {
		x.offered[a.ID] = a
		x.told <- "offer " + a.ID.String()
	}
	return nil
}

func (x *fakeExecutor) attempt(id octaskly.AttemptID) *executor.Attempt {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.offered[id]
}

func (x *fakeExecutor) keep(id octaskly.AttemptID, log *spool.Log) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.outputs[id] = log
}

func (x *fakeExecutor) end(id octaskly.AttemptID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f := protocol.Finished{ID: id, End: octaskly.End{State: octaskly.Completed}}
	x.finished, x.kept = append(x.finished, f), append(x.kept, f)
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

func (x *fakeExecutor) Take() ([]protocol.Started, []protocol.Finished) {
	x.mu.Lock()
	defer x.mu.Unlock()
	finished := x.finished
	x.finished = nil
	return nil, finished
}

func (x *fakeExecutor) Held() (string, []protocol.Held) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var held []protocol.Held
	for _, f := range x.kept {
		held = append(held, protocol.Held{ID: f.ID, State: octaskly.Completed})
	}
	return "g1", held
}

func (x *fakeExecutor) Unacknowledged() []protocol.Finished {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.kept
}

func (x *fakeExecutor) Release(ids []octaskly.AttemptID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.kept = nil
	x.told <- "release " + ids[0].String()
}

func (x *fakeExecutor) Stop(id octaskly.AttemptID, drop bool) {
	word := "stop "
	if drop {
		word = "drop "
	}
	x.told <- word + id.String()
}

func (x *fakeExecutor) Recall(ids []octaskly.AttemptID) []octaskly.AttemptID { return ids[:1] }
func (x *fakeExecutor) Signal(id octaskly.AttemptID, n int) error {
	x.told <- "signal " + id.String()
	return nil
}
func (x *fakeExecutor) Wake() <-chan struct{} { return x.wake }
func (x *fakeExecutor) Idle() bool            { return true }
func (x *fakeExecutor) Features() []string    { return []string{"kill:cgroup"} }

// report is what the executor says of itself from now on.
func (x *fakeExecutor) report(checks []octaskly.Check, usage []protocol.Usage) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.checks, x.usage = checks, usage
}

func (x *fakeExecutor) Checks() []octaskly.Check {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.checks
}

func (x *fakeExecutor) Usage() []protocol.Usage {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.usage
}

func (x *fakeExecutor) Call(name string) { x.told <- "call " + name }

func (x *fakeExecutor) Renew(at executor.Moment, lease time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.renewed = at
	if lease > 0 {
		x.told <- "renew " + lease.String()
	}
}

func (x *fakeExecutor) Output(id octaskly.AttemptID) (*spool.Log, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	log, ok := x.outputs[id]
	return log, ok
}

// rig is a worker, its executor, and the test in the dispatcher's place.
type rig struct {
	*testing.T
	x        *fakeExecutor
	listener transport.Listener
	relayed  bool
	stop     context.CancelFunc
	done     chan error
	grace    chan struct{} // closed when the commands have ended that a stop ends
	ended    func()
	born     executor.Moment // before the worker had begun
	link     transport.Session
	in       *protocol.Reader
	out      *protocol.Writer
}

// eachWay runs a test with a worker that has its executor inside, and with one
// that is a relay.
func eachWay(t *testing.T, test func(*testing.T, *rig)) {
	t.Run("inside", func(t *testing.T) { test(t, newRig(t, false)) })
	t.Run("relay", func(t *testing.T) { test(t, newRig(t, true)) })
}

func newRig(t *testing.T, relayed bool) *rig {
	key := security.GenerateKey()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := transport.ListenTCP(port, transport.Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	x := newFakeExecutor()
	dial := func(ctx context.Context) (transport.Session, error) {
		return transport.DialTCP(ctx, port.Addr().String(), transport.Config{Key: key})
	}
	config := Config{Slots: 2, Dir: t.TempDir(), Executor: x, Log: slog.New(slog.DiscardHandler), Status: func(string) {}}
	if !relayed {
		config.ID, config.Name, config.Dial = "0123456789abcdef", "w1", dial
	}
	w, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &rig{born: executor.Now(), T: t, x: x, listener: listener, relayed: relayed, stop: stop, done: make(chan error, 1), grace: make(chan struct{})}
	r.ended = sync.OnceFunc(func() { close(r.grace) })
	stopped := func() {
		x.told <- "stopped"
		<-r.grace
	}
	if relayed {
		go func() { r.done <- runRelayed(ctx, w, dial, stopped) }()
	} else {
		go func() { r.done <- w.Run(ctx, stopped) }()
	}
	t.Cleanup(func() {
		stop()
		r.ended()
		listener.Close()
		<-r.done
	})
	return r
}

// runRelayed runs w as an executor apart, with a relay before it.
func runRelayed(ctx context.Context, w *Worker, dial func(context.Context) (transport.Session, error), stopped func()) error {
	path := filepath.Join(w.Dir, "x.sock")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		return err
	}
	defer ln.Close()
	listener := transport.ListenUnix(ln, transport.UnixConfig{Allowed: func(uint32) bool { return true }})
	defer listener.Close()
	relay := &Relay{
		ID: "0123456789abcdef", Name: "w1", Log: w.Log, Status: func(string) {}, Dial: dial,
		Executor: func(ctx context.Context) (transport.Session, error) { return transport.DialUnix(ctx, path) },
	}
	relaying, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	group.Go(func() { relay.Run(relaying) })
	err = w.Attend(ctx, listener.Accept, stopped)
	cancel()
	group.Wait()
	return err
}

// accept takes the worker's next session and returns its hello.
func (r *rig) accept() *protocol.Hello {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	link, err := r.listener.Accept(ctx)
	if err != nil {
		r.Fatal(err)
	}
	r.link, r.in, r.out = link, protocol.NewReader(link.Control()), protocol.NewWriter(link.Control())
	link.Control().SetReadDeadline(time.Now().Add(time.Minute))
	return r.read().Hello
}

func (r *rig) read() *protocol.FromWorker {
	r.Helper()
	m := new(protocol.FromWorker)
	if err := r.in.Read(m); err != nil {
		r.Fatal(err)
	}
	return m
}

func (r *rig) send(m *protocol.ToWorker) {
	r.Helper()
	if err := r.out.Write(m); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) welcome(generation string) {
	r.Helper()
	r.send(&protocol.ToWorker{Welcome: &protocol.Welcome{Version: 1, Generation: generation, Heartbeat: time.Minute, MaxOutput: 1 << 20}})
	if r.relayed {
		r.expect("call w1") // a relay tells its executor
	}
}

func (r *rig) expect(want string) {
	r.Helper()
	select {
	case got := <-r.x.told:
		if got != want {
			r.Fatalf("the executor hears %q, want %q", got, want)
		}
	case <-time.After(time.Minute):
		r.Fatalf("the executor does not hear %q", want)
	}
}

func (r *rig) spec(job octaskly.JobID, spec octaskly.Spec) protocol.JobSpec {
	encoded, err := protocol.EncodeSpec(&spec)
	if err != nil {
		r.Fatal(err)
	}
	return protocol.JobSpec{Job: job, Version: octaskly.SpecVersion, Spec: encoded, Array: true}
}

var first = octaskly.AttemptID{Job: 1, Index: 3, Number: 2}

func TestSession(t *testing.T) { eachWay(t, testSession) }

func testSession(t *testing.T, r *rig) {
	if hello := r.accept(); hello.Name != "w1" || hello.Slots != 2 || len(hello.Held) != 0 {
		t.Errorf("hello: %+v", hello)
	}
	r.welcome("g1")
	r.send(&protocol.ToWorker{
		Specs:  []protocol.JobSpec{r.spec(1, octaskly.Spec{Argv: []string{"true"}})},
		Assign: []protocol.Assign{{Job: 1, Elements: octaskly.Span(3, 4), Attempt: 2, Items: []string{"a", "b"}}},
		Ping:   7,
	})
	r.expect("offer 1.3/2")
	r.expect("offer 1.4/2")
	if a := r.x.attempt(first); a.Item != "a" || !a.Array || a.Spec.Argv[0] != "true" || a.Generation != "g1" || a.Err != nil {
		t.Errorf("the attempt: %+v", a)
	}
	if m := r.read(); m.Pong != 7 {
		t.Errorf("the answer to a ping: %+v", m)
	}
	r.send(&protocol.ToWorker{Stop: []protocol.Stop{{ID: first}}, Signal: []protocol.Signal{{ID: first, Number: 1}},
		Recall: []octaskly.AttemptID{{Job: 1, Index: 4, Number: 2}, first}})
	r.expect("stop 1.3/2")
	r.expect("signal 1.3/2")
	if m := r.read(); len(m.Recalled) != 1 || m.Recalled[0].Index != 4 {
		t.Errorf("recalled: %+v", m)
	}
	r.x.end(first)
	if m := r.read(); len(m.Finished) != 1 || m.Finished[0].ID != first {
		t.Errorf("finished: %+v", m)
	}
	r.send(&protocol.ToWorker{Ack: []octaskly.AttemptID{first}})
	r.expect("release 1.3/2")
	r.stop()
	r.expect("stopped")
	if m := r.read(); !m.Leaving {
		t.Errorf("a worker that stops begins with %+v", m)
	}
	r.send(&protocol.ToWorker{Ping: 8})
	if m := r.read(); m.Pong != 8 {
		t.Errorf("while its commands have their grace, it answers a ping by %+v", m)
	}
	r.ended()
	if m := r.read(); !m.Goodbye {
		t.Errorf("at the end: %+v", m)
	}
}

// An end that was not acknowledged is told again in the next session.
func TestReconnect(t *testing.T) { eachWay(t, testReconnect) }

func testReconnect(t *testing.T, r *rig) {
	r.accept()
	r.welcome("g1")
	r.x.end(first)
	r.read()
	r.link.Close()
	if hello := r.accept(); len(hello.Held) != 1 || hello.Held[0].ID != first {
		t.Errorf("hello: %+v", hello)
	}
	r.welcome("g1")
	if m := r.read(); len(m.Finished) != 1 || m.Finished[0].ID != first {
		t.Errorf("the first report: %+v", m)
	}
}

// What another store has given out is dropped.
func TestOtherGeneration(t *testing.T) { eachWay(t, testOtherGeneration) }

func testOtherGeneration(t *testing.T, r *rig) {
	r.x.end(first)
	r.accept()
	r.welcome("g2")
	r.expect("drop 1.3/2")
}

// Ranges that make no sense end the session, and nothing else.
func TestBadRanges(t *testing.T) { eachWay(t, testBadRanges) }

func testBadRanges(t *testing.T, r *rig) {
	for _, bad := range []octaskly.Range{{Lo: 0, Hi: 10}, {Lo: 10, Hi: 0, Step: 1}, {Lo: 1, Hi: 9e18, Step: -1}, {Lo: -1, Hi: 1, Step: 1}} {
		r.accept()
		r.welcome("g1")
		r.send(&protocol.ToWorker{Assign: []protocol.Assign{{Job: 1, Elements: octaskly.Ranges{bad}, Attempt: 1}}})
		for m := new(protocol.FromWorker); r.in.Read(m) == nil; {
		}
	}
}

// A name that no environment can hold is refused at the door.
func TestBadName(t *testing.T) {
	r := newRig(t, false) // a relay gives its own
	r.accept()
	r.send(&protocol.ToWorker{Welcome: &protocol.Welcome{Version: 1, Generation: "g1", Name: "a\x00b"}})
	if err := r.in.Read(new(protocol.FromWorker)); err == nil {
		t.Error("the session goes on")
	}
}

// A refusal is no end: the worker tries again.
func TestRefused(t *testing.T) { eachWay(t, testRefused) }

func testRefused(t *testing.T, r *rig) {
	for range 2 {
		r.accept()
		r.send(&protocol.ToWorker{Welcome: &protocol.Welcome{Refused: "not you"}})
	}
}

// A spec that cannot be read fails its attempts, with the reason.
func TestBadSpec(t *testing.T) { eachWay(t, testBadSpec) }

func testBadSpec(t *testing.T, r *rig) {
	r.accept()
	r.welcome("g1")
	r.send(&protocol.ToWorker{
		Specs:  []protocol.JobSpec{{Job: 1, Version: 99, Spec: []byte{0xff}}},
		Assign: []protocol.Assign{{Job: 1, Elements: octaskly.Span(3, 3), Attempt: 2}, {Job: 2, Elements: octaskly.Span(0, 0), Attempt: 1}},
	})
	r.expect("offer 1.3/2")
	r.expect("offer 2.0/1")
	if err := r.x.attempt(first).Err; err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("of a future spec: %v", err)
	}
	if err := r.x.attempt(octaskly.AttemptID{Job: 2, Number: 1}).Err; err == nil {
		t.Error("an attempt without a spec is executed")
	}
}

func TestOutput(t *testing.T) { eachWay(t, testOutput) }

func testOutput(t *testing.T, r *rig) {
	log := spool.Create(spool.Options{})
	log.Append(spool.Stdout, []byte("hello "))
	r.x.keep(first, log)
	r.accept()
	r.welcome("g1")
	r.send(&protocol.ToWorker{Fetch: []protocol.Fetch{{ID: first}}})
	header, bulk, err := r.link.AcceptBulk(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer bulk.Close()
	var h protocol.BulkHeader
	if err := protocol.Unmarshal(header, &h); err != nil || h.Output == nil || h.Output.ID != first || h.Output.Size != 11 {
		t.Errorf("header %+v, %v", h.Output, err)
	}
	log.Append(spool.Stdout, []byte("world"))
	log.Close()
	var out strings.Builder
	if _, err := spool.Copy(&out, nil, bulk); err != nil || out.String() != "hello world" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// Standard input is fetched once, checked, and kept while its job uses it.
func TestStdin(t *testing.T) { eachWay(t, testStdin) }

func testStdin(t *testing.T, r *rig) {
	sum := sha256.Sum256([]byte("input"))
	blob := octaskly.Blob(hex.EncodeToString(sum[:]))
	r.accept()
	r.welcome("g1")
	spec := octaskly.Spec{Argv: []string{"cat"}, Stdin: blob}
	for _, data := range []string{"another", "input"} {
		r.send(&protocol.ToWorker{Specs: []protocol.JobSpec{r.spec(1, spec)},
			Assign: []protocol.Assign{{Job: 1, Elements: octaskly.Span(3, 3), Attempt: 2}}})
		_, bulk, err := r.link.AcceptBulk(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(bulk, data)
		bulk.Close()
		r.expect("offer 1.3/2")
		a := r.x.attempt(first)
		if text, err := os.ReadFile(a.StdinPath); data == "input" && (err != nil || string(text) != data || a.Err != nil) {
			t.Errorf("%q, %v, %v", text, err, a.Err)
		} else if data != "input" && a.Err == nil {
			t.Error("something else is taken for the input")
		}
	}
	r.send(&protocol.ToWorker{Assign: []protocol.Assign{{Job: 1, Elements: octaskly.Span(3, 3), Attempt: 3}}})
	r.expect("offer 1.3/3")
	path := r.x.attempt(first).StdinPath
	r.send(&protocol.ToWorker{Forget: []octaskly.JobID{1}, Ping: 1})
	r.read()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the input of a job that is over: %v", err)
	}
}
