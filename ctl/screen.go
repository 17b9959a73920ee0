package main

import (
	"bytes"
	"io"
	"sync"
)

const clearLine = "\r\x1b[K"

// screen lets output and one redrawn line share a terminal: the line gives way
// to output and comes back when that has ended its own line.
type screen struct {
	err   io.Writer  // where the line is drawn
	width func() int // of the terminal

	mu    sync.Mutex
	shown string // the line that stands there now
	open  bool   // output has begun a line and not ended it
}

// newScreen is that of stderr, and what is said there goes through it from now
// on; nil where stderr is no terminal.
func (s *session) newScreen() *screen {
	stderr := s.stderr
	if _, ok := terminal(stderr); !ok {
		return nil
	}
	sc := &screen{err: stderr, width: func() int { return terminalWidth(stderr) }}
	s.stderr = sc.through(stderr)
	return sc
}

// draw shows line in place of the one before; "" takes it away.
func (s *screen) draw(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line = shorten(line, s.width()-1) // the last column would wrap
	if s.open || line == s.shown {
		return
	}
	io.WriteString(s.err, clearLine+line)
	s.shown = line
}

// through returns a writer to w, which is this terminal too.
func (s *screen) through(w io.Writer) io.Writer { return &sharedWriter{s, w} }

type sharedWriter struct {
	screen *screen
	w      io.Writer
}

func (o *sharedWriter) Write(p []byte) (int, error) {
	s := o.screen
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown != "" {
		io.WriteString(s.err, clearLine)
		s.shown = ""
	}
	if len(p) > 0 {
		s.open = !bytes.HasSuffix(p, []byte("\n"))
	}
	return o.w.Write(p)
}
