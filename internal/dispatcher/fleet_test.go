package dispatcher

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

func TestWorkerPage(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	checks := []octaskly.Check{{Subject: "level:strict", Name: "shadow", What: "no password can be read", Held: true}, {Subject: octaskly.LimitDisk, Name: "quota", Why: "none"}}
	hello := &protocol.Hello{Version: 1, Worker: workerID("node"), Name: "node", Slots: 3, Checks: checks,
		Features: []string{"level:none", "level:strict", octaskly.LimitMemory, octaskly.NetworkHost, octaskly.KillCgroup}}
	h := l.joinAs(hello)
	page := func(name string) *api.Worker {
		t.Helper()
		w, err := l.Worker(t.Context(), name)
		l.check(err)
		return w
	}
	w := page("node")
	if diff := cmp.Diff([]string{"none", "strict"}, w.Levels) + cmp.Diff([]string{"memory"}, w.Limits) + cmp.Diff(api.ChecksOf(checks), w.Checks); diff != "" || !w.HostNetwork || w.Slots != 3 || w.State != "connected" {
		t.Errorf("%+v\n%s", w, diff)
	}
	if byID := page(string(hello.Worker)); byID.ID != w.ID {
		t.Errorf("%+v", byID)
	}
	list, err := l.Workers(t.Context())
	if err != nil || len(list) != 1 || list[0].Checks != nil || !list[0].HostNetwork || len(list[0].Levels) != 2 || len(list[0].Limits) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := l.Worker(t.Context(), "nod"); !errors.Is(err, octaskly.ErrNotFound) || err.Error() != `cannot find worker "nod": not found` {
		t.Errorf("%v", err)
	}

	h.leave(false)
	if w := page("node"); w.State != "away" || len(w.Checks) != 2 {
		t.Errorf("%+v", w)
	}
	other := *hello
	other.Worker, other.Checks = workerID("other"), nil
	l.joinAs(&other)
	if w := page("node"); w.ID != string(other.Worker) || len(w.Checks) != 0 {
		t.Errorf("of two of one name the one that is connected: %+v", w)
	}
	// What was found stays known when the dispatcher starts anew.
	c, err := l.d.load(context.Background())
	l.check(err)
	if diff := cmp.Diff(checks, c.workers[hello.Worker].Checks); diff != "" {
		t.Error(diff)
	}
}

func TestGreeting(t *testing.T) {
	l := goLive(t, packaged)
	l.join("good", able(octaskly.LevelNone, octaskly.LevelStrict)...)
	l.join("poor", octaskly.LevelNone.Feature())
	l.join("poor", octaskly.LevelNone.Feature())
	if lines := l.log.lines("Worker has joined", "worker=good", `levels="none strict"`, `limits="cpu-time memory disk open-files processes"`); len(lines) != 1 {
		t.Errorf("%q", lines)
	}
	if lines := l.log.lines("Worker has joined", "worker=poor", "levels=none", `limits=""`); len(lines) != 2 {
		t.Errorf("%q", lines)
	}
	const warning = "does not offer the level of submissions that name none"
	if lines := l.log.lines("level=WARN", warning, "worker=poor", " level=strict", `see="octasklyctl worker show poor"`); len(lines) != 2 {
		t.Errorf("%q", lines)
	}
	if lines := l.log.lines(warning); len(lines) != 2 {
		t.Errorf("%q", lines)
	}
	if lines := l.log.lines("from now on"); len(lines) != 0 {
		t.Errorf("nothing is automatic: %q", lines)
	}
}

func TestWaitsNamesWhatIsMissing(t *testing.T) {
	l := goLive(t, packaged)
	waits := func(edit func(*api.Submission)) string {
		t.Helper()
		id, err := l.submit(edit)
		l.check(err)
		return l.show(id).Waits
	}
	expect := func(want string, edit func(*api.Submission)) {
		t.Helper()
		if got := waits(edit); got != want {
			t.Errorf("it waits: %s\nwant: %s", got, want)
		}
	}
	nothing := func(*api.Submission) {}
	const hint = "; octasklyctl worker show NAME says why"
	expect("no worker is connected", nothing)
	l.join("plain", octaskly.LevelNone.Feature())
	all := "limit cpu-time, limit memory, limit disk, limit open-files, limit processes"
	expect("no connected worker offers level strict, "+all+hint, nothing)
	expect("no connected worker offers level strict"+hint, func(s *api.Submission) { s.Limits = &api.Limits{Preset: "none"} })
	expect("no connected worker offers limit memory, keep-workspace"+hint, func(s *api.Submission) {
		s.Sandbox, s.Limits, s.KeepWorkspace = "none", &api.Limits{Preset: "none", Memory: new(int64(1 << 30))}, true
	})
	l.join("limited", octaskly.LimitMemory)
	expect("no connected worker offers all of level none, limit memory together"+hint, func(s *api.Submission) {
		s.Sandbox, s.Limits = "none", &api.Limits{Preset: "none", Memory: new(int64(1 << 30))}
	})
	l.join("strict", able(octaskly.LevelStrict)...)
	expect("no connected worker offers network host; allow_host_network in the worker's executor.toml grants it", func(s *api.Submission) { s.Network = "host" })
	expect("no connected worker has what it asks for", func(s *api.Submission) { s.CPUs = 64 })
}

func TestHelloIsChecked(t *testing.T) {
	good := func() *protocol.Hello {
		return &protocol.Hello{Version: 1, Worker: workerID("w"), Name: "w", Slots: 1, Checks: []octaskly.Check{{Subject: "level:strict", Name: "n"}}}
	}
	if err := checkHello(good()); err != nil {
		t.Fatal(err)
	}
	for why, spoil := range map[string]func(*protocol.Hello){
		"257 checks, 256 are allowed": func(h *protocol.Hello) { h.Checks = make([]octaskly.Check, octaskly.MaxChecks+1) },
		"a check that is no word":     func(h *protocol.Hello) { h.Checks[0].Name = strings.Repeat("n", 65) },
		"check that is no word":       func(h *protocol.Hello) { h.Checks[0].Subject = "level:\x1b" },
	} {
		h := good()
		spoil(h)
		if err := checkHello(h); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want %s", err, why)
		}
	}
	for text, want := range map[string]string{
		"":                         "",
		"no quota: é":              "no quota: é",
		"a\nb\x1b[2J\xff":          "a b [2J ",
		strings.Repeat("x", 99999): strings.Repeat("x", maxCheckText),
		strings.Repeat("é", 600):   strings.Repeat("é", maxCheckText/2),
		strings.Repeat("\n", 600):  strings.Repeat(" ", maxCheckText),
	} {
		h := good()
		h.Checks[0].What, h.Checks[0].Why = text, text
		if err := checkHello(h); err != nil || h.Checks[0].What != want || h.Checks[0].Why != want {
			t.Errorf("%.40q: %.40q, %v", text, h.Checks[0].Why, err)
		}
	}
}
