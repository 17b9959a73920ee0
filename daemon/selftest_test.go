package main

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/worker"
)

// serveWorker serves what a worker tells of itself whose executor says hello, or
// is not there, and returns the socket.
func serveWorker(t *testing.T, hello *protocol.Hello) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "w.sock")
	ln, err := api.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	me := &self{
		c: &config.Worker{Name: "w1"}, in: &entrance{id: "0123456789abcdef"},
		joined: func() *worker.Joined { return nil }, hello: func() *protocol.Hello { return hello }, running: func() int { return 0 },
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	log := slog.New(slog.DiscardHandler)
	go func() {
		served <- api.Serve(ctx, ln, api.NewWorker(me, nil, api.Config{Version: "test", Access: api.DefaultAccess(), Log: log}), log)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return socket
}

var (
	none   = octaskly.LevelNone.Feature()
	strict = octaskly.LevelStrict.Feature()
	held   = octaskly.Check{Subject: strict, Name: "shadow", What: "no secrets are read", Held: true}
	fell   = octaskly.Check{Subject: strict, Name: "mounts", Why: "something was mounted"}
)

func TestSelftest(t *testing.T) {
	for name, tt := range map[string]struct {
		hello  *protocol.Hello
		code   int
		report string
		said   string
	}{
		"all holds": {
			&protocol.Hello{
				Slots: 1, Features: []string{none, strict, octaskly.LimitMemory, octaskly.NetworkHost},
				Checks: []octaskly.Check{held, {Subject: octaskly.LimitMemory, Name: "limit", What: "it ends who wants more", Held: true}},
			}, 0,
			"worker w1 offers\nlevels: none, strict\nlimits: memory\nnetwork of the machine in boxes: on request\n\n" +
				"level:strict\n  held  shadow  no secrets are read\n\nlimit:memory\n  held  limit  it ends who wants more\n", "",
		},
		"a level falls": {
			&protocol.Hello{Slots: 1, Features: []string{none}, Checks: []octaskly.Check{held, fell}}, exitError,
			"worker w1 offers\nlevels: none\nlimits: none at all\nnetwork of the machine in boxes: never\n\n" +
				"level:strict\n  held    shadow  no secrets are read\n  FAILED  mounts  something was mounted\n",
			"error: this machine does not offer what has not held: level strict\n",
		},
		"a limit falls": {
			&protocol.Hello{Slots: 1, Features: []string{strict}, Checks: []octaskly.Check{held, {Subject: octaskly.LimitDisk, Name: "quota", Why: "no quotas"}}}, 0,
			"FAILED  quota  no quotas\n", "",
		},
		"level none falls":       {&protocol.Hello{Slots: 1, Features: []string{strict}, Checks: []octaskly.Check{held, {Subject: none, Name: "allowed"}}}, 0, "FAILED  allowed", ""},
		"an old executor":        {&protocol.Hello{Slots: 1}, exitError, "levels: none at all", "of an older version"},
		"there is no executor":   {nil, exitUnreachable, "", "the worker has no executor now; is it running (systemctl status octasklyd-executor)?"},
		"a level without checks": {&protocol.Hello{Slots: 1, Features: []string{none}, Checks: []octaskly.Check{{Subject: none, Name: "allowed", Held: true}}}, 0, "levels: none\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, report, said := runSelftest(t, "--socket", serveWorker(t, tt.hello))
			if code != tt.code || !strings.Contains(report, tt.report) || !strings.Contains(said, tt.said) || (said == "") != (tt.said == "") {
				t.Errorf("it exits with %d, prints\n%sand says %q", code, report, said)
			}
		})
	}
}

func runSelftest(t *testing.T, words ...string) (code int, report, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), append([]string{"octasklyd", "worker", "selftest"}, words...), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestSelftestUnreachable(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "w.sock")
	code, report, said := runSelftest(t, "--socket", socket)
	want := `octasklyd: error: cannot reach the worker at "` + socket + `": no such file or directory; is it running (systemctl status octasklyd-worker, or octasklyd worker in a terminal)? another socket is named by --socket` + "\n"
	if code != exitUnreachable || report != "" || said != want {
		t.Errorf("it exits with %d, prints %q and says %q", code, report, said)
	}
	if code, _, said := runSelftest(t, "--socket", "/"+strings.Repeat("s", 200)); code != exitUnreachable || !strings.Contains(said, "unix(7) allows 107") {
		t.Errorf("with too long a path it exits with %d and says %q", code, said)
	}
}

func TestSelftestUsage(t *testing.T) {
	for _, words := range [][]string{{"worker", "selftest", "w1"}, {"worker", "--socket", "/s", "selftest"}, {"worker", "self"}} {
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), append([]string{"octasklyd"}, words...), &stdout, &stderr); code != exitUsage || stdout.Len() > 0 {
			t.Errorf("%q exits with %d, prints %q and says %q", words, code, &stdout, &stderr)
		}
	}
}
