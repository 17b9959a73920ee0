package client

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// maxMessage bounds a server-sent event, in bytes.
const maxMessage = 1 << 20

// messages reads server-sent events, as of the HTML standard, section 9.2.
type messages struct {
	lines *bufio.Scanner
}

// message is one event; or an id alone, which moves the place where to read on.
type message struct{ name, id, data string }

func newMessages(r io.Reader) *messages {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxMessage)
	return &messages{lines}
}

// next returns io.EOF at the end. What is incomplete there is dropped.
func (s *messages) next() (*message, error) {
	m, begun, size := &message{}, false, 0
	for s.lines.Scan() {
		line := s.lines.Text()
		if size += len(line); size > maxMessage {
			return nil, fmt.Errorf("cannot read an event of more than %d bytes", maxMessage)
		}
		if line == "" && begun {
			m.data = strings.TrimSuffix(m.data, "\n")
			return m, nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			m.name, begun = value, true
		case "id":
			m.id, begun = value, true
		case "data":
			m.data, begun = m.data+value+"\n", true
		default: // a comment, or what a newer dispatcher says
			size -= len(line)
		}
	}
	if err := s.lines.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}
