package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/octaskly/octaskly/internal/security"
)

// ErrNoAnswer says that packets by UDP went out and none came back.
var ErrNoAnswer = errors.New("nothing comes back by UDP; a firewall on the way may not let it through: TCP may, with --transport tcp")

// DialQUIC opens a session with the dispatcher at addr, a host and a port. It fails
// as DialTCP does, and with ErrNoAnswer. ctx is for the opening only.
func DialQUIC(ctx context.Context, addr string, cfg Config) (Session, error) {
	s, err := openQUIC(ctx, addr, cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot open a session with %q by QUIC: %w", addr, err)
	}
	return s, nil
}

func openQUIC(ctx context.Context, addr string, cfg Config) (*quicWorkerSession, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.OpeningTimeout)
	defer cancel()
	all, err := addressesOf(ctx, addr)
	if err != nil {
		return nil, err
	}
	for i, to := range all {
		var s *quicWorkerSession
		if s, err = openOne(ctx, to, len(all)-i, cfg); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// openOne leaves its share of the time to the others.
func openOne(ctx context.Context, to *net.UDPAddr, share int, cfg Config) (*quicWorkerSession, error) {
	until, _ := ctx.Deadline()
	ctx, cancel := context.WithTimeout(ctx, time.Until(until)/time.Duration(share))
	defer cancel()
	w, err := newWire(to)
	if err != nil {
		return nil, err
	}
	cfg.tell(enlarge(w.socket.UDPConn))
	s, err := w.open(ctx, to, cfg)
	if err != nil {
		w.close()
		return nil, systemsWord(err)
	}
	return s, nil
}

// systemsWord leaves of an error of the system what stays the same from one try to the
// next: QUIC's says which of several calls has met it, and our own port.
func systemsWord(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return err
}

func addressesOf(ctx context.Context, addr string) ([]*net.UDPAddr, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "udp", service)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "localhost" // as net.Dial does
	}
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, err
	}
	all := make([]*net.UDPAddr, len(found))
	for i, ip := range found {
		all[i] = &net.UDPAddr{IP: ip.IP, Zone: ip.Zone, Port: port}
	}
	return all, nil
}

// wire is the socket of one session. It is bound to no address of this machine, so
// that the kernel chooses one for each packet: when the machine's address
// changes, the dispatcher hears the next pulse from the new one, finds out that
// it leads to the same peer, and goes on there (RFC 9000 §9).
type wire struct {
	socket    *patient
	transport *quic.Transport
}

func newWire(to *net.UDPAddr) (*wire, error) {
	network := "udp4"
	if to.IP.To4() == nil {
		network = "udp6"
	}
	socket, err := net.ListenUDP(network, nil)
	if err != nil {
		return nil, err
	}
	if err := hearErrors(socket, true); err != nil {
		socket.Close()
		return nil, err
	}
	p := &patient{UDPConn: socket}
	return &wire{p, &quic.Transport{Conn: p, ConnectionIDLength: connectionIDs}}, nil
}

func (w *wire) close() {
	w.transport.Close()
	w.socket.Close()
}

func (w *wire) open(ctx context.Context, to *net.UDPAddr, cfg Config) (*quicWorkerSession, error) {
	config, settings := clientQUIC(cfg)
	conn, err := w.transport.Dial(ctx, to, config, settings)
	if err != nil {
		return nil, cfg.explainDial(err)
	}
	s := &quicWorkerSession{cfg: cfg, wire: w, gone: make(chan struct{})}
	if err := s.greet(ctx, conn); err != nil {
		conn.CloseWithError(codeBye, "")
		return nil, err
	}
	w.socket.isOn.Store(true)
	if err := hearErrors(w.socket.UDPConn, false); err != nil {
		conn.CloseWithError(codeBye, "")
		return nil, err
	}
	go s.live()
	return s, nil
}

// explainDial finds out what the failure of a handshake means.
func (c Config) explainDial(err error) error {
	var timeout net.Error
	var foreign *quic.TransportError
	var version *quic.VersionNegotiationError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return ErrNoAnswer
	case c.protocol() != byKey && isAlert(err, noProtocol):
		return ErrTooOld
	case isAlert(err, badCertificate): // which comes after the handshake, and may be seen before its end
		return ErrRevoked
	case errors.As(err, &version), errors.As(err, &foreign) && foreign.ErrorCode.IsCryptoError():
		return fmt.Errorf("%w: %w", ErrNotDispatcher, err)
	default:
		return err
	}
}

// greet opens the control channel.
func (s *quicWorkerSession) greet(ctx context.Context, conn *quic.Conn) error {
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return explainAnswer(err)
	}
	if s.cfg.joins {
		s.quicLink = newQUICLink(conn, stream, s.cfg.MaxBulks)
		return nil
	}
	return within(ctx, stream, func() error {
		if s.exporter, err = security.Exporter(conn.ConnectionState().TLS); err != nil {
			return fmt.Errorf("%w: %w", ErrNotDispatcher, err)
		}
		if s.id, err = introduce(stream, s.cfg.proofs(s.exporter), opening{kind: kindControl}); err != nil {
			return err
		}
		s.quicLink = newQUICLink(conn, stream, s.cfg.MaxBulks)
		s.who = s.cfg.own()
		return nil
	})
}
