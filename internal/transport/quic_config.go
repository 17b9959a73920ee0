package transport

import (
	"crypto/tls"
	"os"
	"time"

	"github.com/quic-go/quic-go"
)

// Codes with which a connection or a stream ends. To the peer anything but
// codeBye means that what it has is not all there was.
const (
	codeBye     = 0
	codeCut     = 1
	codeRefused = 2
)

const (
	// firstWindow is how much a peer may send on a stream that nobody reads. Who
	// has not shown that he knows the key has one stream.
	firstWindow = 64 << 10
	// lastWindow is what a stream that is read quickly grows to: a gigabit link of 16 ms.
	lastWindow = 2 << 20

	// connectionIDs are long enough that nobody guesses one to have a session reset.
	connectionIDs = 8

	// spareStreams are opened beyond a session's MaxBulks to hear that there are
	// too many.
	spareStreams = 16
)

// quicConfig has no 0-RTT, as what it carries can be replayed, and no keep-alive
// of QUIC's own: see pulse. The connection's window never binds, so that bulk channels
// that nobody reads do not hold up the control channel.
func quicConfig(cfg Config, streams int64) *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout:           cfg.OpeningTimeout / 2, // it gives up at twice that
		MaxIdleTimeout:                 cfg.silence,
		InitialStreamReceiveWindow:     firstWindow,
		MaxStreamReceiveWindow:         lastWindow,
		InitialConnectionReceiveWindow: uint64(cfg.MaxBulks+spareStreams+1) * lastWindow,
		MaxConnectionReceiveWindow:     uint64(cfg.MaxBulks+spareStreams+1) * lastWindow,
		MaxIncomingStreams:             streams,
		MaxIncomingUniStreams:          -1,
		EnableDatagrams:                true,
	}
}

func serverQUIC(cfg Config) (*tls.Config, *quic.Config, error) {
	config, err := serverTLS(cfg)
	return config, quicConfig(cfg, int64(1+cfg.MaxBulks+spareStreams)), err
}

func clientQUIC(cfg Config) (*tls.Config, *quic.Config) {
	return clientTLS(cfg), quicConfig(cfg, -1)
}

// pulses come from the worker while a session lasts. They keep it, and what is on
// the way, from being forgotten; and a dispatcher that was restarted meanwhile
// resets a connection that it does not know only for a packet of more than 42
// bytes (RFC 9000 §10.3), which QUIC's own keep-alive is not.
const pulses = 2 * time.Second

var pulse = make([]byte, 16)

func (c Config) pulses() time.Duration { return min(pulses, c.silence/3) }

// quic-go says on the standard logger that buffers are small. It is ours to say,
// once and with what to do: see enlarge.
func init() { os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true") }
