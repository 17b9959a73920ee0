package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// tmux is a shell in a terminal of tmux(1), with octasklyctl on its PATH.
type tmux struct {
	t   *testing.T
	env []string
}

func newTmux(t *testing.T, c *cluster.Cluster, columns, rows int) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not here, in which the screen is looked at; apt-get install tmux installs it")
	}
	dir, err := os.MkdirTemp("", "octaskly-tmux-") // its socket's path must be short
	check(t, err)
	programs, err := cluster.Build()
	check(t, err)
	m := &tmux{t, append(c.Command(t.Context()).Env,
		"PATH="+filepath.Dir(programs.Ctl)+":"+os.Getenv("PATH"), "TMUX_TMPDIR="+dir, "SHELL=/bin/sh", "PS1=$ ")}
	m.do("new-session", "-d", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows), "sh")
	t.Cleanup(func() {
		m.cmd("kill-server").Run()
		os.RemoveAll(dir)
	})
	m.shows("$")
	return m
}

func (m *tmux) cmd(words ...string) *exec.Cmd {
	cmd := exec.Command("tmux", append([]string{"-L", "octaskly", "-f", "/dev/null"}, words...)...)
	cmd.Env = m.env
	return cmd
}

func (m *tmux) do(words ...string) string {
	m.t.Helper()
	out, err := m.cmd(words...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %q: %v\n%s", words, err, out)
	}
	return string(out)
}

// keys are by their names in tmux: Enter, Escape, q.
func (m *tmux) keys(names ...string) { m.t.Helper(); m.do(append([]string{"send-keys"}, names...)...) }

// line types a line and enters it.
func (m *tmux) line(text string) {
	m.t.Helper()
	m.do("send-keys", "-l", text)
	m.keys("Enter")
}

func (m *tmux) screen() string { m.t.Helper(); return m.do("capture-pane", "-p") }

// shows waits until all of these are on the screen, and returns it.
func (m *tmux) shows(texts ...string) (screen string) {
	m.t.Helper()
	return m.until("it shows "+strings.Join(texts, ", "), func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

// until waits for a screen that stays for a moment: of one that is being drawn the
// terminal has a part.
func (m *tmux) until(what string, is func(string) bool) (screen string) {
	m.t.Helper()
	last := ""
	for ctx := timeout(m.t); ; time.Sleep(20 * time.Millisecond) {
		if screen = m.screen(); is(screen) && screen == last {
			return screen
		}
		last = screen
		if ctx.Err() != nil {
			m.t.Fatalf("it does not come to pass that %s:\n%s", what, screen)
		}
	}
}

// state is what tmux knows of the terminal: whether it is the other screen, whether
// there is a cursor, what of the mouse is asked for, and the title.
func (m *tmux) state() string {
	m.t.Helper()
	return m.do("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{keypad_cursor_flag} #{pane_title}")
}

// modes are what stty(1) says.
func (m *tmux) modes() string {
	m.t.Helper()
	m.line("clear; stty -g; echo the-end")
	return regexp.MustCompile(`(?m)^[0-9a-f:]{20,}$`).FindString(m.shows("\nthe-end\n"))
}

// hostile writes what would take a terminal over: it clears, names the window, asks
// for an answer, goes to another screen, hides the cursor and rings, among bytes that
// are no text, and ends without ending its line.
const hostile = `printf 'before\n\033[2J\033[H\033]0;taken\007\033[6n\033[?1049l\033[?25l\007\377\376\033[31mred\033[0m\n\302\233H\033Ptmux;\033\033[2J\033\\after\n\033[38;5;'; `

func TestTopUnderTmux(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	gate, other := newGate(t), newGate(t)
	bad := submit(t, c, "--name", "hostile", "--", "sh", "-c", hostile+gate.command("")[3])
	good := submit(t, c, "--name", "friendly", "--", "sh", "-c", other.command("")[3])
	gate.await(t)
	other.await(t)
	m := newTmux(t, c, 110, 30)
	modes := m.modes()
	before := m.state()
	m.line("clear; echo what was here before; octasklyctl top; echo it ends with $?.")

	m.shows("1 Workers", "w1", "connected", "2/4") // workers
	if now := m.state(); !strings.HasPrefix(now, "1 0 ") {
		t.Errorf("the terminal is %q", now)
	}
	m.keys("2") // tasks
	m.shows("hostile", "friendly")
	m.keys("3") // logs
	m.shows("task.running", "worker.joined")
	m.keys("2", "/")
	m.line("hosti")
	m.until("the filter is on", func(s string) bool { return strings.Contains(s, "hostile") && !strings.Contains(s, "friendly") })

	m.keys("Enter") // all of the task, with what it has written
	screen := m.shows("before", "red", "after")
	if lines := strings.Split(screen, "\n"); !strings.Contains(lines[0], "1 Workers") || !strings.Contains(lines[29], "quit") || strings.ContainsAny(screen, "\a\x1b\u009b") {
		t.Errorf("the output has taken the screen over:\n%s", screen)
	}
	if now := m.state(); !strings.HasPrefix(now, "1 0 ") || strings.Contains(now, "taken") {
		t.Errorf("the output has changed the terminal: %q", now)
	}
	m.keys("Escape") // a second one at once would be Alt-Escape
	m.until("the task is closed", func(s string) bool { return !strings.Contains(s, "after") })
	m.keys("Escape") // forgets the filter
	m.shows("hostile", "friendly")

	cancel := func(answer string) {
		m.keys("/")
		m.line("friendly")
		m.until("one is left", func(s string) bool { return !strings.Contains(s, "hostile") })
		m.keys("c")
		m.shows("Cancel task "+good+" (friendly)?", "y yes")
		m.keys(answer)
		m.until("the question is gone", func(s string) bool { return !strings.Contains(s, "y yes") })
	}
	cancel("n")
	if d := show(t, c, good); d.State != octaskly.Running {
		t.Errorf("without a yes, the task is %v", d.State)
	}
	m.keys("Escape")
	m.shows("hostile")
	cancel("y")
	expect(t, c.Ctl(timeout(t), "wait", good), 125, "", "cancelled")
	m.shows("cancelled")

	m.do("resize-window", "-x", "60", "-y", "15")
	m.until("it is small", func(s string) bool { return strings.Count(s, "\n") <= 15 && strings.Contains(s, "1 Workers") })
	m.do("resize-window", "-x", "40", "-y", "10")
	m.shows("too small")
	m.do("resize-window", "-x", "110", "-y", "30")
	m.shows("1 Workers", "friendly")

	m.keys("q")
	m.shows("what was here before", "it ends with 0.")
	if now := m.state(); now != before {
		t.Errorf("the terminal is left as %q, and was %q", now, before)
	}
	if now := m.modes(); now != modes || modes == "" {
		t.Errorf("the modes are left as %q, and were %q", now, modes)
	}
	gate.pass(t)
	expect(t, c.Ctl(timeout(t), "wait", bad), 0, "", "")
}
