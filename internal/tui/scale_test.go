package tui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// A fleet of that size, of which nothing moves.
const (
	manyWorkers = 1000
	manyTasks   = 100_000
)

const largeVar = "OCTASKLY_TEST_LARGE" // the socket of a process that is such a fleet's dispatcher

// beLarge answers as a dispatcher does, in a process whose time is not ours.
func beLarge(socket string) {
	ln, err := net.Listen("unix", socket)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	workers, _ := json.Marshal(api.Workers{Workers: largeFleet()})
	mux := http.NewServeMux()
	answer := func(path string, text func(*http.Request) []byte) {
		mux.HandleFunc("GET /api/v1/"+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write(text(r))
		})
	}
	answer("workers", func(*http.Request) []byte { return workers })
	answer("stats", func(*http.Request) []byte {
		text, _ := json.Marshal(api.Stats{Tasks: map[string]int64{"queued": manyTasks - 4000, "running": 4000}, FleetStats: &api.FleetStats{Workers: manyWorkers, Slots: 8000, Busy: 4000}})
		return text
	})
	answer("tasks", func(r *http.Request) []byte {
		limit, _ := strconv.Atoi(r.FormValue("limit"))
		text, _ := json.Marshal(api.Jobs{Tasks: largeQueue(min(limit, manyTasks))})
		return text
	})
	mux.HandleFunc("GET /api/v1/events", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "event-stream") {
			w.Header().Set("Content-Type", "text/event-stream")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"events":[],"next":"1"}`)
	})
	fmt.Println(http.Serve(ln, mux))
}

func largeFleet() (all []api.Worker) {
	like := someWorkers()[0]
	for i := range manyWorkers {
		w := like
		w.ID, w.Name, w.Running = fmt.Sprintf("id%d", i), fmt.Sprintf("rack%d-node%02d", i/40, i%40), i%9
		all = append(all, w)
	}
	return all
}

func largeQueue(n int) (all []api.Job) {
	for i := range n {
		all = append(all, api.Job{ID: strconv.Itoa(manyTasks - i), Owner: "ann", Name: "frame", State: octaskly.Queued, Command: text("render", "--frame", strconv.Itoa(i)),
			Tasks: 1, Counts: map[string]int64{"queued": 1}, SubmittedAt: then})
	}
	return all
}

// largeClient speaks to a large fleet's dispatcher.
func largeClient(t testing.TB) *client.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "octaskly-large-")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "sock")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), largeVar+"="+socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := client.New(client.Options{Socket: socket})
	t.Cleanup(func() {
		c.Close()
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	})
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := c.Stats(t.Context()); err == nil {
			return c
		} else if time.Since(begun) > 20*time.Second {
			t.Fatal(err)
		}
	}
}

// idleShare is which part of a processor the screen takes for so long, with a tab open.
func idleShare(t testing.TB, key rune, d time.Duration) float64 {
	t.Helper()
	source := largeClient(t)
	screen := tcell.NewSimulationScreen("UTF-8")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	begun := make(chan struct{})
	go func() { ended <- Run(ctx, &wide{screen, begun}, source, Options{}) }()
	<-begun
	screen.InjectKey(tcell.KeyRune, key, 0)
	time.Sleep(3 * time.Second) // the first answers are there, and drawn
	before := processorTime()
	time.Sleep(d)
	used := processorTime() - before
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	return used.Seconds() / d.Seconds()
}

// wide is a screen as large as windows are.
type wide struct {
	tcell.SimulationScreen
	begun chan<- struct{}
}

func (w *wide) Init() error {
	err := w.SimulationScreen.Init()
	w.SetSize(160, 50)
	close(w.begun)
	return err
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkIdle fails where a fleet of 1,000 workers and 100,000 tasks, of which
// nothing moves, takes more than a fiftieth of a processor.
func BenchmarkIdle(b *testing.B) {
	for name, key := range map[string]rune{"workers": '1', "tasks": '2', "logs": '3'} {
		b.Run(name, func(b *testing.B) {
			share := idleShare(b, key, 10*time.Second)
			if b.ReportMetric(100*share, "%cpu"); share > 0.02 {
				b.Errorf("it takes %.2f %% of a processor, want 2 at most", 100*share)
			}
		})
	}
}
