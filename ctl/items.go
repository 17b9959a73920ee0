package main

import (
	"bytes"
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// lineCheck counts the lines written to it and refuses what cannot be an
// element's item: each becomes the value of a variable.
type lineCheck struct {
	lines int64 // ended by a newline
	open  int   // bytes of the line that is not
}

func (c *lineCheck) Write(p []byte) (int, error) {
	written := len(p)
	for {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		c.open += len(line)
		switch {
		case c.open > maxItem:
			return 0, fmt.Errorf("line %d has more than %d bytes", c.count(), maxItem)
		case bytes.IndexByte(line, 0) >= 0:
			return 0, fmt.Errorf("line %d contains a NUL byte", c.count())
		case !ended:
			return written, nil
		}
		c.lines, c.open, p = c.lines+1, 0, rest
		if c.lines > octaskly.MaxElements {
			return 0, fmt.Errorf("it has more than %d lines", octaskly.MaxElements)
		}
	}
}

// maxItem leaves room for the name of the variable: Linux counts both.
const maxItem = octaskly.MaxArg - len("OCTASKLY_ITEM=")

// count is the number of lines so far; the last may lack its newline.
func (c *lineCheck) count() int64 {
	if c.open > 0 {
		return c.lines + 1
	}
	return c.lines
}
