package test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// told reads events from lines of JSON, as octasklyctl writes them.
func told(t *testing.T, text string) (events []api.Event) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e api.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		events = append(events, e)
	}
	return events
}

func allEvents(t *testing.T, c *cluster.Cluster, flags ...string) []api.Event {
	t.Helper()
	return told(t, must(t, c, append([]string{"events", "--since", "0", "-o", "json"}, flags...)...))
}

// Events tell of each task what show tells of it, in the order in which it happened.
func TestEventsAgreeWithShow(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	must(t, c, "run", "--", "true")
	c.Ctl(timeout(t), "run", "--retries", "2", "--backoff", "1ms", "--", "false")
	c.Ctl(timeout(t), "run", "--timeout", "50ms", "--", "sleep", "60")
	c.Ctl(timeout(t), "run", "--array", "0-19", "--shell", "exit $((OCTASKLY_ARRAY_INDEX % 2))")
	must(t, c, "submit", "--array", "0-999", "--", "sleep", "60")
	must(t, c, "cancel", "5")
	c.Ctl(timeout(t), "wait", "5")
	must(t, c, "retry", "5.500-999")
	must(t, c, "cancel", "5")
	c.Ctl(timeout(t), "wait", "5")

	events := allEvents(t, c)
	if !slices.IsSortedFunc(events, func(a, b api.Event) int { return cmp.Or(cmp.Compare(a.Seq, b.Seq), 1) }) {
		t.Error("numbers do not ascend")
	}
	for _, id := range []string{"1", "2", "3", "4.0", "4.1", "4.19", "5.0"} {
		agree(t, c, events, id)
	}
	ranges := map[string]int{}
	for _, e := range events {
		if e.Job == "5" && e.Elements != "" {
			ranges[e.Kind+" "+e.Why]++
		}
	}
	if ranges["job.submitted "] != 1 || ranges["task.queued again"] != 1 || ranges["job.cancelled "] != 2 {
		t.Errorf("of an array of a thousand, events of many: %v", ranges)
	}
}

func agree(t *testing.T, c *cluster.Cluster, events []api.Event, id string) {
	t.Helper()
	var detail api.Detail
	check(t, json.Unmarshal([]byte(must(t, c, "show", "-o", "json", id)), &detail))
	attempts := map[string][]int{}
	var last api.Event
	for _, e := range events {
		if e.Task == id && e.Kind != octaskly.JobSubmitted.String() {
			attempts[e.Kind] = append(attempts[e.Kind], e.Attempt)
			last = e
		}
	}
	if last.Kind != "task.ended" || last.State != detail.State || last.Reason != detail.Reason || last.Detail != detail.Detail {
		t.Errorf("task %s: the last event is %+v; it is %v %s %q", id, last, detail.State, detail.Reason, detail.Detail)
	}
	var want []int
	for _, a := range detail.Attempts {
		want = append(want, a.Number)
	}
	if id != "5.0" && !slices.Equal(attempts["task.assigned"], want) { // of 5.0 an attempt may have been recalled
		t.Errorf("task %s: attempts %v were assigned, it has had %v", id, attempts["task.assigned"], want)
	}
}

// follow runs octasklyctl events -f until something has happened, and gives what it
// has said.
func follow(t *testing.T, c *cluster.Cluster, until func(api.Event) bool, flags ...string) (lines func() string) {
	t.Helper()
	ctx, cancel := context.WithCancel(timeout(t))
	cmd := c.Command(ctx, append([]string{"events", "-f", "-o", "json"}, flags...)...)
	out, err := cmd.StdoutPipe()
	check(t, err)
	cmd.Stderr = testWriter{t}
	check(t, cmd.Start())
	read := make(chan string, 1)
	go func() {
		var text strings.Builder
		for s := bufio.NewScanner(out); s.Scan(); {
			text.WriteString(s.Text() + "\n")
			var e api.Event
			if json.Unmarshal(s.Bytes(), &e) == nil && until(e) {
				break
			}
		}
		cancel()
		io.Copy(io.Discard, out)
		read <- text.String()
	}()
	t.Cleanup(func() { cancel(); cmd.Wait() })
	return func() string { return <-read }
}

// Whoever follows while the dispatcher is killed and started twice, under load, sees
// each event once.
func TestFollowerOverKills(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	const last = "the last one"
	lines := follow(t, c, func(e api.Event) bool { return e.Kind == "task.ended" && e.Job == "13" }, "--since", "0")
	for range 3 {
		for range 4 {
			must(t, c, "submit", "--array", "0-199", "--", "true")
		}
		check(t, c.Dispatcher.Kill())
		check(t, c.Dispatcher.Start(timeout(t)))
	}
	must(t, c, "wait", "1-12")
	must(t, c, "run", "--name", last, "--", "true")
	seen := told(t, lines())
	all := allEvents(t, c)
	all = all[:slices.IndexFunc(all, func(e api.Event) bool { return e.Kind == "task.ended" && e.Job == "13" })+1]
	if len(all) < 12*200*2 {
		t.Fatalf("there are %d events", len(all))
	}
	if !slices.Equal(idsOf(seen), idsOf(all)) {
		t.Errorf("%d events were seen, and there are %d: first difference: %s", len(seen), len(all), difference(idsOf(seen), idsOf(all)))
	}
	started := 0
	for _, e := range all {
		if e.Kind == "dispatcher.started" {
			started++
		}
	}
	if started != 4 {
		t.Errorf("the dispatcher has started %d times", started)
	}
}

func idsOf(events []api.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

func difference(a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] + " and " + b[i]
		}
	}
	return "one ends"
}

// A user sees what happens to his own jobs and to workers, be it page or stream, and
// cannot ask for another's.
func TestEventsOfOwners(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true})
	ann, bob, chief := settle(t, c, "ann", "client"), settle(t, c, "bob", "client"), settle(t, c, "chief", "admin")
	ann.must(t, "run", "--", "true")
	bob.must(t, "run", "--", "true")
	must(t, c, "run", "--", "true")
	for _, p := range []*person{ann, bob, chief} {
		owners, kinds := map[string]bool{}, map[string]bool{}
		for _, e := range told(t, p.must(t, "events", "--since", "0", "-o", "json")) {
			owners[e.Owner], kinds[e.Kind] = true, true
		}
		if len(owners) != map[string]int{"ann": 2, "bob": 2, "chief": 4}[p.name] || p.name != "chief" && !owners[p.name] || !kinds["worker.joined"] {
			t.Errorf("%s sees events of %v, kinds %v", p.name, owners, kinds)
		}
		stream := p.stream(t, "?since=0&task=all")
		if p.name != "chief" {
			if e := stream.next(t); e.Owner != p.name || e.Kind != "job.submitted" {
				t.Errorf("%s's stream begins with %+v", p.name, e)
			}
		}
	}
	bob.do(t, "GET", "/api/v1/events?task=1", "").refused(t, "another's task", 403, "denied")
	bob.do(t, "GET", "/api/v1/events?task=99", "").refused(t, "no task", 404, "not-found")
	helper := newToken(t, c, "--user", "chief", "--role", "worker")
	ask(t, browser(t, c), c.REST()+"/api/v1/events", "GET", "", "Authorization", "Bearer "+helper).refused(t, "a worker's token", 403, "denied")
}

// eventStream is a stream of events by hand.
type eventStream struct {
	lines *bufio.Scanner
	id    string // of the latest event, or place
}

func (p *person) stream(t *testing.T, query string, headers ...string) *eventStream {
	t.Helper()
	return openStream(t, p.web, p.c.REST()+"/api/v1/events"+query, append(headers, "Authorization", "Bearer "+p.token)...)
}

func openStream(t *testing.T, web *http.Client, url string, headers ...string) *eventStream {
	t.Helper()
	r, err := http.NewRequestWithContext(timeout(t), "GET", url, nil)
	check(t, err)
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := web.Do(r)
	check(t, err)
	t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != 200 {
		t.Fatalf("%s: %s", url, answer.Status)
	}
	return &eventStream{lines: bufio.NewScanner(answer.Body)}
}

// next is the next event; places without one are passed over.
func (s *eventStream) next(t *testing.T) (e api.Event) {
	t.Helper()
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch name {
		case "id":
			s.id = value
		case "data":
			check(t, json.Unmarshal([]byte(value), &e))
		case "":
			if e.Kind != "" {
				return e
			}
		}
	}
	t.Fatalf("the stream ends: %v", s.lines.Err())
	return e
}

// webOnSocket is a client of the dispatcher's socket, and nothing else.
func webOnSocket(t *testing.T, c *cluster.Cluster) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", c.Socket())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

const eventsURL = "http://octaskly/api/v1/events"

// By hand, a stream goes on after the id that its reader has seen; after an id that
// is none of this database's it says so, and begins now.
func TestEventsResumeByHand(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	must(t, c, "run", "--", "true")
	web := webOnSocket(t, c)
	all := allEvents(t, c)
	first := openStream(t, web, eventsURL+"?since=0")
	for i := range 3 {
		if e := first.next(t); e.ID != all[i].ID || first.id != e.ID {
			t.Fatalf("event %d is %+v with id %s, want %+v", i, e, first.id, all[i])
		}
	}
	again := openStream(t, web, eventsURL+"?since=0", "Last-Event-ID", first.id)
	for _, want := range all[3:] {
		if e := again.next(t); e.ID != want.ID {
			t.Fatalf("after %s comes %+v, want %+v", first.id, e, want)
		}
	}
	generation, _, _ := strings.Cut(first.id, ".")
	for _, id := range []string{generation + ".999999", "0THER.3", "999999"} {
		s := openStream(t, web, eventsURL, "Last-Event-ID", id)
		if e := s.next(t); e.Kind != "reset" {
			t.Errorf("after %s comes %+v", id, e)
		}
		must(t, c, "run", "--", "true")
		if e := s.next(t); e.Kind != "job.submitted" {
			t.Errorf("after a reset comes %+v", e)
		}
	}
	r := ask(t, web, eventsURL, "GET", "", "Accept", "text/event-stream", "Last-Event-ID", "x")
	r.refused(t, "no id", 400, "bad-input")
}

// Readers who do not read cost nobody anything, and have missed nothing when they do.
func TestSlowEventReaders(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	load := func() (took time.Duration) { // the machine may stall in one of three
		took = time.Hour
		for range 3 {
			began := time.Now()
			must(t, c, "run", "--array", "0-999", "--", "true")
			took = min(took, time.Since(began))
		}
		return took
	}
	usual := load()
	web := webOnSocket(t, c)
	readers := make([]*eventStream, 20)
	for i := range readers {
		readers[i] = openStream(t, web, eventsURL+"?since=0")
	}
	if took := load(); took > 3*usual+time.Second {
		t.Errorf("with %d readers that do not read a load took %v, without them %v", len(readers), took, usual)
	}
	all := allEvents(t, c)
	for _, r := range []*eventStream{readers[0], readers[len(readers)-1]} {
		for i, want := range all {
			if e := r.next(t); e.ID != want.ID {
				t.Fatalf("event %d is %s, want %s", i, e.ID, want.ID)
			}
		}
	}
}

// An idle worker that is killed is away, then lost, then back.
func TestEventsOfWorker(t *testing.T) {
	c := cluster.Start(t, cluster.Options{DispatcherFlags: []string{"--limits-lease", "1s"}})
	check(t, c.Workers[0].Kill())
	kinds := func() (kinds []string) {
		for _, e := range allEvents(t, c, "--worker", "w1") {
			kinds = append(kinds, e.Kind)
		}
		return kinds
	}
	awaitSuccess(t, func() bool { return slices.Contains(kinds(), "worker.lost") })
	start(t, c.Workers[0])
	var got []string
	awaitSuccess(t, func() bool {
		got = kinds()
		return slices.Contains(got, "worker.back")
	})
	if !slices.Equal(got, []string{"worker.joined", "worker.away", "worker.lost", "worker.back"}) {
		t.Errorf("what is told of it: %v", got)
	}
}
