package main

import (
	"encoding/json"
	"io"
	"os"

	"golang.org/x/term"
)

// terminal returns the descriptor of a stream that is a terminal.
func terminal(stream any) (fd int, ok bool) {
	file, ok := stream.(*os.File)
	if !ok {
		return 0, false
	}
	fd = int(file.Fd())
	return fd, term.IsTerminal(fd)
}

// usualWidth is that of a terminal that does not tell.
const usualWidth = 80

// terminalWidth is 0 for what is not a terminal.
func terminalWidth(w io.Writer) int {
	fd, ok := terminal(w)
	if !ok {
		return 0
	}
	if width, _, err := term.GetSize(fd); err == nil && width > 0 {
		return width
	}
	return usualWidth
}

// printJSON writes one document on a line of its own.
func (s *session) printJSON(document any) error {
	lines := json.NewEncoder(s.stdout)
	lines.SetEscapeHTML(false)
	return lines.Encode(document)
}
