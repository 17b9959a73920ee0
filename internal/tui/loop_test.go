package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/spool"
)

// stage is a loop with a screen and a dispatcher that are not real, in a bubble of
// time that is not real either.
type stage struct {
	t      *testing.T
	screen *counting
	fake   *fake
	stop   context.CancelFunc
	ended  chan error
}

// counting is a screen that counts how often it goes to the terminal.
type counting struct {
	tcell.SimulationScreen
	mu          sync.Mutex // of what it shows
	shows, puts atomic.Int64
}

func (c *counting) Show() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shows.Add(1)
	c.SimulationScreen.Show()
}

func (c *counting) GetContents() ([]tcell.SimCell, int, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cells, width, height := c.SimulationScreen.GetContents()
	return slices.Clone(cells), width, height
}

func (c *counting) Put(x, y int, text string, style tcell.Style) (string, int) {
	c.puts.Add(1)
	return c.SimulationScreen.Put(x, y, text, style)
}

// onStage runs play in a bubble.
func onStage(t *testing.T, f *fake, options Options, play func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f.happens = make(chan api.Event) // of this bubble
		s := &stage{t: t, fake: f, screen: &counting{SimulationScreen: tcell.NewSimulationScreen("UTF-8")}, ended: make(chan error, 1)}
		if err := s.screen.Init(); err != nil {
			t.Fatal(err)
		}
		s.screen.SetSize(80, 24)
		ctx, cancel := context.WithCancelCause(t.Context())
		s.stop = func() { cancel(errors.New("stopped")) }
		term := &terminal{screen: s.screen, cancel: cancel, crashes: make(chan *crash, 1)}
		var once sync.Once
		finish := func() {
			once.Do(func() { s.stop(); term.wg.Wait(); s.screen.Fini() })
		}
		go func() { s.ended <- newLoop(term, f, options).run(ctx) }()
		s.pass(time.Second)
		play(s)
		finish()
		term.raise()
	})
}

// pass lets time go by.
func (s *stage) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// keys are typed one after the other: text, or <name>.
func (s *stage) keys(all ...string) {
	for _, k := range all {
		key := tcell.KeyRune
		for code, name := range keyNames {
			if "<"+string(name)+">" == k {
				key, k = code, "x"
			}
		}
		s.screen.InjectKey(key, []rune(k)[0], 0)
		s.pass(time.Second / 10)
	}
	s.pass(time.Second)
}

func (s *stage) text() string { return contents(s.screen) }

func (s *stage) sees(words ...string) {
	s.t.Helper()
	text := s.text()
	for _, word := range words {
		if !strings.Contains(text, word) {
			s.t.Errorf("%q is not to be seen on\n%s", word, text)
		}
	}
}

func TestKeysOnAScreen(t *testing.T) {
	f := newFake()
	onStage(t, f, Options{}, func(s *stage) {
		s.sees("alpha", "beta", "queued 99321", "slots 9/12")
		s.keys("2")
		s.sees("4593/10000", "85/s", "1m3s", "blender -b")
		s.keys("j", "c")
		s.sees("Cancel task 45 (render)?")
		s.keys("<enter>", "c", "n", "c", "<esc>") // none of which is a yes
		s.keys("c", "y")
		s.sees("cancelled 1 task")
		s.keys("j", "j", "r", "y", "1", "d", "y", "j", "d", "y")
		s.keys("3")
		s.sees("task.ended", "worker.lost")
		s.keys("q")
		select {
		case err := <-s.ended:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("q does not end it")
		}
	})
	if want := []string{"cancel 45", "retry 9", "drain a1", "resume b2"}; !slices.Equal(f.acts, want) {
		t.Errorf("what was done is %q, want %q", f.acts, want)
	}
}

func TestNothingIsDrawnWhenNothingChanges(t *testing.T) {
	f := newFake()
	f.workers, f.stats.Rate, f.jobs = someWorkers()[:2], 0, someJobs()[4:]
	for i := range f.workers {
		f.workers[i].Running, f.workers[i].Assigned = 0, 0
	}
	onStage(t, f, Options{}, func(s *stage) {
		for _, tab := range []string{"1", "2", "3"} {
			s.keys(tab)
			s.pass(10 * time.Second)
			shows, puts := s.screen.shows.Load(), s.screen.puts.Load()
			s.pass(30 * time.Second)
			if more := s.screen.shows.Load() - shows; more != 0 {
				t.Errorf("on tab %s, %d frames of %d cells go to the terminal for nothing", tab, more, s.screen.puts.Load()-puts)
			}
		}
	})
}

func TestOnlyWhatChangesIsTouched(t *testing.T) {
	onStage(t, newFake(), Options{}, func(s *stage) {
		s.keys("2")
		s.pass(time.Second)
		puts := s.screen.puts.Load()
		s.keys("j")
		if touched := s.screen.puts.Load() - puts; touched == 0 || touched > 2*80+20 {
			t.Errorf("a move of the cursor touches %d cells", touched)
		}
	})
}

func TestConnectionIsLostAndComesBack(t *testing.T) {
	f := newFake()
	onStage(t, f, Options{}, func(s *stage) {
		s.keys("2")
		f.set(func() { f.err = &client.Unreachable{Socket: "/s", Err: errors.New("no such file")} })
		s.pass(4 * time.Second)
		s.sees("not connected: no such file; trying again in ", "4593/10000")
		s.pass(time.Minute)
		f.set(func() { f.err, f.jobs = nil, f.jobs[:1]; f.asked = map[string]int{} })
		s.pass(mostPause + time.Second)
		s.sees("queued 99321", "python3 trai")
		if strings.Contains(s.text(), "blender") {
			t.Errorf("it shows what was before\n%s", s.text())
		}
	})
}

// A dispatcher that does not answer is not asked again and again meanwhile.
func TestQuestionsAreBounded(t *testing.T) {
	f := newFake()
	onStage(t, f, Options{}, func(s *stage) {
		s.pass(time.Minute)
		if f.asked["workers"] > 32 || f.asked["stats"] > 32 || f.asked["jobs"] > 0 || f.asked["events"] > 0 {
			t.Errorf("in a minute it asks %v", f.asked)
		}
		f.set(func() { f.asked = map[string]int{} })
		s.keys("3")
		s.pass(time.Minute)
		if f.asked["workers"] > 15 || f.asked["events"] != 1 || f.asked["follow events"] != 1 {
			t.Errorf("in a minute it asks %v", f.asked)
		}
	})
}

func TestEventsComeInLumps(t *testing.T) {
	f := newFake()
	onStage(t, f, Options{}, func(s *stage) {
		s.keys("3")
		for i := range 5000 {
			f.happens <- api.Event{ID: fmt.Sprint("G.", i+10), At: time.Now(), Kind: "task.running", Task: fmt.Sprint(i), Worker: "alpha"}
		}
		s.pass(time.Second)
		s.sees("4999")
		if n := s.screen.shows.Load(); n > 100 {
			t.Errorf("%d frames were drawn", n)
		}
		s.keys("k", "k", "k") // whoever has moved away stays where he is
		s.sees("4999", "4980")
		f.happens <- api.Event{ID: "G.9999", At: time.Now(), Kind: "task.running", Task: "5000", Worker: "alpha"}
		s.pass(time.Second)
		if strings.Contains(s.text(), "5000") {
			t.Errorf("the cursor was moved\n%s", s.text())
		}
		s.keys("G")
		s.sees("5000")
	})
}

func TestOutputIsFollowed(t *testing.T) {
	f := newFake()
	onStage(t, f, Options{}, func(s *stage) {
		more, feed := io.Pipe()
		defer feed.Close()
		f.output, f.follow = frames(t, spool.Stdout, "\x1b[31mred\x1b[0m\nfirst\npart"), more
		s.keys("2", "j", "j", "<enter>")
		s.sees("red", "first", "part", "output, following")
		if style := styleOf(s.screen, "red"); style != tcell.StyleDefault.Foreground(tcell.PaletteColor(1)) {
			t.Errorf("what is red is shown as %v", style)
		}
		feed.Write(frames(t, spool.Stdout, "ial\n\x1b[2J\x1b]0;title\x07"+strings.Repeat("x", 10<<20)+"\nlast\xff\n"))
		s.pass(time.Second)
		s.sees("partial", "xxxxxxxxxx", "last\uFFFD", "task 44")
		feed.Close()
		s.pass(time.Second)
		s.keys("<esc>", "3")
		s.sees("worker.lost")
	})
}

// styleOf is that of a word on the screen.
func styleOf(screen tcell.SimulationScreen, word string) tcell.Style {
	cells, width, height := screen.GetContents()
	for y := range height {
		var row strings.Builder
		for _, c := range cells[y*width : (y+1)*width] {
			row.WriteString(string(c.Runes[:1]))
		}
		if at := strings.Index(row.String(), word); at >= 0 {
			return cells[y*width+columns(row.String()[:at])].Style
		}
	}
	return tcell.StyleDefault
}

func TestNoColor(t *testing.T) {
	f := newFake()
	f.output = frames(t, spool.Stdout, "\x1b[31;1mred\x1b[0m\n")
	onStage(t, f, Options{Plain: true}, func(s *stage) {
		for _, keys := range [][]string{{"1"}, {"2"}, {"j", "j", "<enter>"}, {"3"}, {"?"}} {
			s.keys(keys...)
			cells, _, _ := s.screen.GetContents()
			for _, c := range cells {
				if fg, bg, _ := c.Style.Decompose(); fg != tcell.ColorDefault || bg != tcell.ColorDefault {
					t.Fatalf("%q has the colours %v on %v after %q", c.Runes, fg, bg, keys)
				}
			}
		}
	})
}

func TestScreenIsResized(t *testing.T) {
	onStage(t, newFake(), Options{}, func(s *stage) {
		for _, size := range [][2]int{{140, 45}, {60, 15}, {20, 5}, {80, 24}} {
			s.screen.SetSize(size[0], size[1])
			s.screen.PostEvent(tcell.NewEventResize(size[0], size[1]))
			s.pass(time.Second)
			word := "alpha"
			if size[0] < leastWidth {
				word = "terminal too small"
			}
			s.sees(word)
			if rows := strings.Count(s.text(), "\n"); rows != size[1] {
				t.Errorf("%d rows at %v", rows, size)
			}
		}
	})
}

// What is pasted is no command.
func TestPasteIsNotObeyed(t *testing.T) {
	f := newFake()
	onStage(t, f, Options{}, func(s *stage) {
		s.keys("2")
		s.screen.PostEvent(tcell.NewEventPaste(true))
		s.keys("c", "y", "q")
		s.screen.PostEvent(tcell.NewEventPaste(false))
		s.keys("/")
		s.screen.PostEvent(tcell.NewEventPaste(true))
		s.keys("t", "r", "u", "e", "<enter>")
		s.screen.PostEvent(tcell.NewEventPaste(false))
		s.sees("filter: true", "fine")
	})
	if len(f.acts) > 0 {
		t.Errorf("%q was done", f.acts)
	}
}

func TestContextEndsIt(t *testing.T) {
	onStage(t, newFake(), Options{}, func(s *stage) {
		s.stop()
		synctest.Wait()
		if err := <-s.ended; err == nil || err.Error() != "stopped" {
			t.Errorf("it ends with %v", err)
		}
	})
}

func TestMouse(t *testing.T) {
	onStage(t, newFake(), Options{}, func(s *stage) {
		click := func(x, y int, b tcell.ButtonMask) { s.screen.InjectMouse(x, y, b, 0); s.pass(time.Second) }
		click(16, 0, tcell.Button1)
		s.sees("blender")
		click(5, 4, tcell.Button1)
		click(5, 4, tcell.Button1)
		s.sees("── task 45 (render)")
		s.keys("<esc>")
		click(5, 6, tcell.WheelDown)
		s.keys("<enter>")
		s.sees("── task 44")
	})
}

func TestLinesOfADaemonsLog(t *testing.T) {
	lines := make(chan Line, 3)
	for i, level := range []string{"debug", "error", "strange"} {
		lines <- Line{At: then.Add(time.Duration(i) * time.Second), Level: level, Text: "line of " + level + "\x1b[2J"}
	}
	close(lines)
	onStage(t, newFake(), Options{Lines: lines, Quit: "Stop it?"}, func(s *stage) {
		s.keys("3")
		s.sees("line of debug", "line of error\uFFFD[2J", "line of strange", "worker.lost")
		s.keys("v", "v", "v")
		s.sees("line of error")
		if strings.Contains(s.text(), "line of debug") {
			t.Errorf("it shows what is not of that level\n%s", s.text())
		}
		s.keys("q", "n", "q")
		s.sees("Stop it?")
		s.keys("y")
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
	})
}

// Nobody affirms a question that there is no room for.
func TestTooSmallForQuestions(t *testing.T) {
	m := told(80, 24, Options{Quit: "Stop it?"})
	m.press("2", "j", "c")
	m.update(then, size{50, 10})
	if m.press("y", "q", "y"); len(m.acts) > 0 || m.quit {
		t.Errorf("%v was done", m.acts)
	}
	m.update(then, size{80, 24})
	if m.press("y"); len(m.acts) != 1 {
		t.Errorf("%v was done", m.acts)
	}
	m.update(then, size{50, 10})
	if m.press("ctrl-c"); !m.quit {
		t.Error("there is no way out")
	}
}

// What fails by itself, while the dispatcher answers, is told where there are rows.
func TestOneListFails(t *testing.T) {
	m := told(80, 24, Options{})
	m.press("2")
	m.update(then, failed{aboutJobs, errors.New("cannot list jobs: the disk is full"), then})
	if text := m.frame().String(); !strings.Contains(text, "blender") || !strings.Contains(text, "the disk is full") {
		t.Errorf("it does not say so\n%s", text)
	}
	m = told(80, 24, Options{})
	m.update(then, failed{aboutWorkers, client.ErrCut, then})
	if text := m.frame().String(); strings.Contains(text, "cut") {
		t.Errorf("the outage is told twice\n%s", text)
	}
}
