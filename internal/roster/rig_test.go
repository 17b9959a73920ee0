package roster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/internal/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a roster over a real store, and machines that join by the real protocol.
type rig struct {
	*Roster
	t         testing.TB
	path      string
	store     *store.Store
	key       security.Key
	authority *security.Authority
	log       *journal
}

// root is an admin on the Unix socket.
var root = api.Caller{Name: "root", Role: octaskly.RoleAdmin, Admin: true, From: "unix uid=0"}

func newRig(t testing.TB) *rig {
	authority, err := security.NewAuthority(time.Now())
	r := &rig{t: t, path: filepath.Join(t.TempDir(), "octaskly.db"), key: security.GenerateKey(), authority: authority, log: &journal{}}
	r.must(err)
	r.start()
	t.Cleanup(func() { r.must(r.store.Close()) })
	return r
}

func (r *rig) start() {
	log := slog.New(slog.NewTextHandler(r.log, nil))
	s, err := store.Open(context.Background(), r.path, log)
	r.must(err)
	r.store = s
	r.Roster, err = New(Config{
		Store: s, Fleet: "orchard", Keys: func() []security.Key { return []security.Key{r.key} },
		Authority: func() *security.Authority { return r.authority },
		Signer:    func(*x509.Certificate) *security.Authority { return r.authority }, Policy: Policy{Key: true}, Log: log,
	})
	r.must(err)
}

// restart is another process with the same store.
func (r *rig) restart() {
	r.t.Helper()
	r.must(r.store.Close())
	r.start()
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// refused wants an error of a kind.
func (r *rig) refused(err, kind error) {
	r.t.Helper()
	if !errors.Is(err, kind) {
		r.t.Errorf("error is %v, want %v", err, kind)
	}
}

// acting is root with a row of the audit log.
func acting(what string) api.Caller {
	who := root
	who.Act = &api.Act{Action: octaskly.Action{Who: who.Name, Role: who.Role, From: who.From, What: what}}
	return who
}

// audit is what the log says of the latest actions, the oldest first.
func (r *rig) audit(n int) (rows []string) {
	r.t.Helper()
	actions, err := r.store.Actions(r.t.Context(), store.ActionQuery{Limit: n})
	r.must(err)
	for _, a := range actions {
		rows = append([]string{a.Who + " " + a.What + " " + a.Target + " " + a.Outcome + " " + a.Detail}, rows...)
	}
	return rows
}

func newMachine(t testing.TB, name string) joining.Applicant {
	i, err := joining.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return joining.Applicant{ID: octaskly.WorkerID(name + "-0123456789abcd"), Name: name, Software: "1.0", Key: i.Key}
}

// visit has a machine ask on a connection of its own, which comes from an address. wait
// returns when the dispatcher's end is over.
func (r *rig) visit(ask func(context.Context, joining.Door) (*joining.Identity, error), address string) (wait func() (*joining.Identity, error)) {
	certificate, err := r.authority.IssueDispatcher(time.Hour, time.Now())
	r.must(err)
	here, there := net.Pipe()
	client := tls.Client(here, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	server := tls.Server(there, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	var parts sync.WaitGroup
	parts.Go(func() {
		defer there.Close()
		if err := server.HandshakeContext(ctx); err != nil {
			return
		}
		bound, err := security.Exporter(server.ConnectionState())
		if err == nil {
			joining.Answer(ctx, joining.Visit{Conn: server, Exporter: bound, Authority: r.authority.Certificate(), Address: address}, r.Roster)
		}
	})
	var identity *joining.Identity
	var asked error
	parts.Go(func() {
		defer here.Close()
		if asked = client.HandshakeContext(ctx); asked != nil {
			return
		}
		state := client.ConnectionState()
		bound, err := security.Exporter(state)
		if err != nil {
			asked = err
			return
		}
		door := joining.Door{Conn: client, Exporter: bound}
		for _, c := range state.PeerCertificates {
			door.Chain = append(door.Chain, c.Raw)
		}
		identity, asked = ask(ctx, door)
	})
	return func() (*joining.Identity, error) {
		parts.Wait()
		cancel()
		return identity, asked
	}
}

func (r *rig) joinByKey(m joining.Applicant) (*joining.Identity, error) {
	return r.visit(func(ctx context.Context, d joining.Door) (*joining.Identity, error) {
		return joining.AskWithKey(ctx, d, m, r.key)
	}, "192.0.2.7:4711")()
}

func (r *rig) joinByInvite(m joining.Applicant, text string) (*joining.Identity, error) {
	invite, err := joining.ParseInvite(text)
	r.must(err)
	return r.visit(func(ctx context.Context, d joining.Door) (*joining.Identity, error) {
		return joining.AskWithInvite(ctx, d, m, invite)
	}, "192.0.2.7:4711")()
}

// wish has a machine ask for an approval; codes are those that it shows, one after the other.
func (r *rig) wish(m joining.Applicant, address string) (codes <-chan joining.Code, wait func() (*joining.Identity, error)) {
	shown := make(chan joining.Code, 8)
	return shown, r.visit(func(ctx context.Context, d joining.Door) (*joining.Identity, error) {
		return joining.AskForApproval(ctx, d, m, func(c joining.Code) {
			if c != "" {
				shown <- c
			}
		})
	}, address)
}

// session is who a machine is by its certificate.
func session(i *joining.Identity, m joining.Applicant) *transport.Identity {
	return &transport.Identity{ID: m.ID, Name: m.Name, Certificate: i.Certificate}
}

// journal is what was logged.
type journal struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.lock.Lock()
	defer j.lock.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.lock.Lock()
	defer j.lock.Unlock()
	return j.text.String()
}
