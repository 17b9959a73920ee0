package discovery

import (
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// query asks all dispatchers for what they announce.
func query() []byte {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{})
	must(b.StartQuestions())
	for _, service := range []string{TCP, UDP} {
		must(b.Question(dnsmessage.Question{
			Name: dnsmessage.MustNewName(service + domain), Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET,
		}))
	}
	packet, err := b.Finish()
	must(err)
	return packet
}

func must(err error) {
	if err != nil {
		panic(err) // the words above are constants
	}
}

const (
	firstQueryPause = time.Second
	lastQueryPause  = time.Minute
)

// nextPause grows as RFC 6762 §5.2 wants it.
func nextPause(pause time.Duration) time.Duration {
	if pause == 0 {
		return firstQueryPause
	}
	return min(3*pause, lastQueryPause)
}
