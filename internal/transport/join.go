package transport

import (
	"context"
	"crypto/tls"
	"fmt"
)

// DialJoin opens a connection to the dispatcher at addr on which a machine asks for a
// certificate. With Credentials in cfg it is to be one of the same authority as before.
// It fails with ErrTooOld, ErrNotDispatcher or an error of the network. ctx is for
// the opening only; the caller closes what it gets.
func DialJoin(ctx context.Context, by Protocol, addr string, cfg Config) (*Joiner, error) {
	cfg.joins = true
	return dialBy(ctx, by, addr, cfg, joinTCP, joinQUIC)
}

func joinTCP(ctx context.Context, addr string, cfg Config) (*Joiner, error) {
	j, err := openJoinTCP(ctx, addr, cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot join at %q: %w", addr, err)
	}
	return j, nil
}

func openJoinTCP(ctx context.Context, addr string, cfg Config) (*Joiner, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.OpeningTimeout)
	defer cancel()
	raw, err := (&workerSession{cfg: cfg}).dial(ctx, addr, kindControl)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(cutConn{raw}, clientTLS(cfg))
	j := &Joiner{Channel: plain{conn, raw}, Address: raw.RemoteAddr().String()}
	err = within(ctx, conn, func() error {
		var err error
		if j.State, _, err = bind(conn); err != nil {
			return cfg.explainGreeting(err)
		}
		return nil
	})
	if err != nil {
		raw.Close()
		return nil, err
	}
	return j, nil
}

func joinQUIC(ctx context.Context, addr string, cfg Config) (*Joiner, error) {
	s, err := openQUIC(ctx, addr, cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot join at %q by QUIC: %w", addr, err)
	}
	return &Joiner{Channel: quicJoiner{s.control, s}, State: s.conn.ConnectionState().TLS, Address: s.Peer()}, nil
}

// quicJoiner is the one stream of a connection, with which its socket is closed.
type quicJoiner struct {
	*quicControl
	session *quicWorkerSession
}

func (q quicJoiner) Close() error { return q.session.Close() }
