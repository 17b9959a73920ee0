package transport

import (
	"context"
	"errors"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// Config is what both sides need. Only Key is required, and of a worker that has
// Credentials not even that.
type Config struct {
	Key security.Key

	// Former are keys that a listener takes as well. If nil, there are none.
	Former func() []security.Key

	// Credentials have a worker use certificates in place of the key.
	Credentials *Credentials

	// Authority has a listener take workers with certificates, too. If nil, only
	// those that know the key.
	Authority *Authority

	// Admit says whether a worker is taken that has a certificate of the authority,
	// for each session and each bulk channel. An error that is ErrRemoved is told
	// to it, and any other as ErrRevoked. If nil, all are.
	Admit func(*Identity) error

	// Join has the machines that are to have a certificate. It returns when it is
	// done with one, or when ctx is; its error is why that has not joined. If nil,
	// they are refused.
	Join func(ctx context.Context, j *Joiner) error

	// MaxJoiners bounds the machines that join at the same time; for a further one
	// the host that has most of them loses its oldest. If zero, 128.
	MaxJoiners int

	// OpeningTimeout bounds the time until both sides are authenticated, and
	// that for opening a bulk channel. If zero, 10 s.
	OpeningTimeout time.Duration

	// MaxOpenings bounds the connections that a listener is authenticating at
	// the same time; for a further one it closes another of the host that has
	// most of them. If zero, 128.
	MaxOpenings int

	// MaxBulks bounds the open bulk channels of one session. If zero, 256.
	MaxBulks int

	// Refused is told why a listener closed a connection, but not more than
	// once a minute for the same host and reason. It may be called from several
	// goroutines. If nil, nobody is told.
	Refused func(addr string, why error)

	// Slow is told why QUIC is slower than it could be on this machine. If nil,
	// nobody is told.
	Slow func(why error)

	connectTimeout time.Duration // of TCP, within OpeningTimeout; 0 is none
	silence        time.Duration // after which QUIC gives a connection up
	joins          bool          // a worker is to join, not to work
}

var errZeroKey = errors.New("there is no fleet key")

// forListener is withDefaults for one.
func (c Config) forListener() (Config, error) {
	if c.Key.IsZero() {
		return c, errZeroKey
	}
	return c.withDefaults()
}

func (c Config) withDefaults() (Config, error) {
	if c.Key.IsZero() && c.protocol() == byKey {
		return c, errZeroKey
	}
	if c.OpeningTimeout == 0 {
		c.OpeningTimeout = 10 * time.Second
	}
	if c.MaxOpenings == 0 {
		c.MaxOpenings = 128
	}
	if c.MaxBulks == 0 {
		c.MaxBulks = 256
	}
	if c.MaxJoiners == 0 {
		c.MaxJoiners = 128
	}
	if c.silence == 0 {
		c.silence = silence
	}
	return c, nil
}
