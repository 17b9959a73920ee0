package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// Who shows a certificate that does not count is refused, and told what to do.
func TestCertificateRefused(t *testing.T) {
	f, other := newFleet(t), newFleet(t)
	mixed := f.worker(t, "w1", "one")
	mixed.Credentials.Certificate = other.worker(t, "w1", "one").Credentials.Certificate
	pretended := f.worker(t, "w1", "one")
	pretended.Credentials.Roots = other.roots
	rest, err := f.IssueServer([]string{"localhost"}, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server := f.worker(t, "w1", "one")
	server.Credentials.Certificate = func() (*tls.Certificate, error) { return &rest, nil }
	for name, c := range map[string]struct {
		cfg   Config
		admit func(*Identity) error
		want  error
		told  reason
	}{
		"of another authority":          {cfg: mixed, want: ErrRevoked, told: errHandshake},
		"expired":                       {cfg: f.workerWith(t, newKey(t), "w1", "one", -time.Hour), want: ErrRevoked, told: errHandshake},
		"a server's":                    {cfg: server, want: ErrRevoked, told: errHandshake},
		"the dispatcher is a false one": {cfg: pretended, want: ErrNotDispatcher, told: errHandshake},
		"removed":                       {cfg: f.worker(t, "w1", "one"), admit: func(*Identity) error { return fmt.Errorf("no: %w", ErrRemoved) }, want: ErrRemoved, told: errRemoved},
		"revoked":                       {cfg: f.worker(t, "w1", "one"), admit: func(*Identity) error { return errors.New("no") }, want: ErrRevoked, told: errRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w way) {
				told := make(chan error, 8)
				cfg := f.cfg
				cfg.Admit, cfg.Refused = c.admit, func(_ string, why error) { told <- why }
				l := w.listen(t, cfg)
				if _, err := w.dial(t, l, c.cfg); !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if why := wait(t, told); !errors.Is(why, c.told) && !errors.Is(why, errCertificate) {
					t.Errorf("told %v, want %v", why, c.told)
				}
			})
		})
	}
}

// A worker that is removed opens no bulk channel any more in the session that it has.
func TestBulkOfRemoved(t *testing.T) {
	onBoth(t, func(t *testing.T, w way) {
		f := newFleet(t)
		removed := make(chan struct{})
		f.cfg.Admit = func(who *Identity) error {
			select {
			case <-removed:
				return ErrRemoved
			default:
				return nil
			}
		}
		worker, dispatcher := w.connect(t, w.listen(t, f.cfg), f.worker(t, "w1", "one"))
		openBulk(t, pair{worker, dispatcher, nil}, nil)
		close(removed)
		if _, err := worker.OpenBulk(deadline(t), nil); !errors.Is(err, ErrRemoved) {
			t.Errorf("got %v", err)
		}
	})
}

// A dispatcher that has no authority, as all had once, takes the key and says to the
// rest that it is too old.
func TestTooOld(t *testing.T) {
	onBoth(t, func(t *testing.T, w way) {
		f := newFleet(t)
		l := w.listen(t, Config{Key: f.cfg.Key})
		w.connect(t, l, Config{Key: f.cfg.Key})
		if _, err := w.dial(t, l, f.worker(t, "w1", "one")); !errors.Is(err, ErrTooOld) {
			t.Errorf("with a certificate: %v", err)
		}
		if _, err := DialJoin(deadline(t), w.protocol, l.Addr().String(), Config{}); !errors.Is(err, ErrTooOld) {
			t.Errorf("to join: %v", err)
		}
	})
}

// A certificate is no way around the key: proofs of zeros count only where TLS has
// seen one.
func TestNoProofByKey(t *testing.T) {
	g := newGate(t, newFleet(t).cfg)
	conn := g.shake(t, byKey)
	if _, err := conn.Write(opening{kind: kindControl}.bytes()); err != nil {
		t.Fatal(err)
	}
	g.closed(t, conn, errOtherKey, string(rune(statusWrongKey)))
}

func TestJoin(t *testing.T) {
	onBoth(t, func(t *testing.T, w way) {
		f := newFleet(t)
		f.cfg.Join = func(_ context.Context, j *Joiner) error {
			bound, _ := security.Exporter(j.State)
			io.CopyN(io.Discard, j, 5)
			_, err := j.Write(bound)
			return err
		}
		l := w.listen(t, f.cfg)
		j, err := DialJoin(deadline(t), w.protocol, l.Addr().String(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		if len(j.State.PeerCertificates) != 2 || !j.State.PeerCertificates[1].Equal(f.Authority.Certificate()) {
			t.Error("the server does not show its authority")
		}
		fmt.Fprint(j, "hello")
		said, err := io.ReadAll(j)
		bound, _ := security.Exporter(j.State)
		if err != nil || string(said) != string(bound) || len(bound) == 0 {
			t.Errorf("the ends are bound to different connections: %x, %x, %v", said, bound, err)
		}
	})
}

// Machines that wait to be approved take no places from those that open sessions; of
// too many, the host that has most of them loses its oldest.
func TestJoinersWaitApart(t *testing.T) {
	onBoth(t, func(t *testing.T, w way) {
		f := newFleet(t)
		f.cfg.MaxOpenings, f.cfg.MaxJoiners = 2, 3
		entered, left := make(chan *Joiner, 8), make(chan struct{}, 8)
		f.cfg.Join = func(ctx context.Context, j *Joiner) error {
			entered <- j
			<-ctx.Done()
			left <- struct{}{}
			return ctx.Err()
		}
		l := w.listen(t, f.cfg)
		for range 3 {
			joiner(t, w, l)
			wait(t, entered)
		}
		w.connect(t, l, Config{Key: f.cfg.Key})
		joiner(t, w, l)
		wait(t, entered)
		wait(t, left)
		l.Close()
		for range 3 {
			wait(t, left)
		}
	})
}

// joiner has said a word, without which nobody hears of a stream of QUIC.
func joiner(t *testing.T, w way, l Listener) *Joiner {
	t.Helper()
	j, err := DialJoin(deadline(t), w.protocol, l.Addr().String(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Abort)
	if _, err := j.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	return j
}

// Who joins anew looks for the same authority.
func TestJoinAnew(t *testing.T) {
	f, other := newFleet(t), newFleet(t)
	f.cfg.Join = func(context.Context, *Joiner) error { return nil }
	l := listenTCP(t, listen(t), f.cfg)
	for _, at := range []*fleet{f, other} {
		j, err := DialJoin(deadline(t), TCP, l.Addr().String(), Config{Credentials: &Credentials{Roots: at.roots}})
		if (err == nil) != (at == f) {
			t.Errorf("of this authority: %v, %v", at == f, err)
		}
		if err == nil {
			j.Close()
		}
	}
}
