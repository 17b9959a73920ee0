package dispatcher

import "github.com/octaskly/octaskly/internal/transport"

// metered counts what goes through a channel.
type metered struct {
	transport.Channel
	*flow
}

func (m metered) Read(b []byte) (int, error) {
	n, err := m.Channel.Read(b)
	m.in.Add(int64(n))
	return n, err
}

func (m metered) Write(b []byte) (int, error) {
	n, err := m.Channel.Write(b)
	m.out.Add(int64(n))
	return n, err
}
