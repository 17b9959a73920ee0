package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"crypto/tls"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

// book is accounts of one user, ann, whose refresh token is good once.
type book struct {
	api.Accounts // what is not asked for
	life         time.Duration

	mu        sync.Mutex
	good      map[string]bool // access tokens
	refresh   string
	logins    int
	renewals  int
	stolen    bool   // a refresh token was used twice
	beforeEnd func() // of a renewal
}

func newBook() *book { return &book{life: 15 * time.Minute, good: map[string]bool{}, refresh: "r0"} }

func (b *book) Standing(api.Caller) (<-chan struct{}, time.Time, error) {
	return nil, time.Now().Add(time.Hour), nil
}

func (b *book) Authenticate(_ context.Context, token string) (*api.Identity, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.good[token] {
		return nil, fmt.Errorf("the token is not valid: %w", octaskly.ErrUnknown)
	}
	return &api.Identity{User: "ann", Role: octaskly.RoleAdmin, Token: "t"}, nil
}

func (b *book) Login(_ context.Context, _ string, how *api.LoginRequest) (*api.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if how.User != "ann" || how.Password != "the password" {
		return nil, fmt.Errorf("wrong name or password: %w", octaskly.ErrUnknown)
	}
	b.logins++
	return b.session(), nil
}

func (b *book) Refresh(_ context.Context, _ string, how *api.RefreshRequest) (*api.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if how.Token != b.refresh {
		b.stolen = true
		return nil, fmt.Errorf("the session has ended: %w", octaskly.ErrUnknown)
	}
	b.renewals++
	if b.beforeEnd != nil {
		b.beforeEnd()
	}
	return b.session(), nil
}

// session gives out tokens; what was given out before is no longer good.
func (b *book) session() *api.Session {
	n := b.logins + b.renewals
	access := fmt.Sprintf("a%d", n)
	b.refresh = fmt.Sprintf("r%d", n)
	b.good = map[string]bool{access: true}
	return &api.Session{Access: access, Refresh: b.refresh, ExpiresAt: time.Now().Add(b.life), User: "ann", Role: octaskly.RoleAdmin}
}

func (b *book) Record(context.Context, *octaskly.Action) error { return nil }

// accept makes a token good.
func (b *book) accept(token string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.good[token] = true
}

func (b *book) counts() (renewals int, stolen bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.renewals, b.stolen
}

// remote serves a fake by HTTPS.
type remote struct {
	fake *fake
	book *book
	url  string
	ca   string
}

func newRemote(t *testing.T, f *fake) *remote {
	f.blobs = map[octaskly.Blob][]byte{}
	r := &remote{fake: f, book: newBook()}
	log := slog.New(slog.DiscardHandler)
	handler := api.New(f, r.book, api.Config{Version: "1.2.3", Roster: usher{f}, Log: log})
	r.listen(t, func(ctx context.Context, ln net.Listener, config *tls.Config) error {
		return api.ServeTLS(ctx, ln, handler, config, log)
	})
	return r
}

// listen serves until the test ends.
func (r *remote) listen(t *testing.T, serve func(context.Context, net.Listener, *tls.Config) error) {
	authority, err := security.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.IssueServer([]string{"127.0.0.1", "localhost"}, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ca, _ := authority.PEM()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url, r.ca = "https://"+ln.Addr().String(), string(ca)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}}
	go func() { ended <- serve(ctx, ln, config) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// context is that of a login with the tokens a0 and r0, which lasts so long.
func (r *remote) context(left time.Duration) Context {
	return Context{Name: "lab", URL: r.url, CA: r.ca, User: "ann", Access: "a0", Refresh: "r0", ExpiresAt: time.Now().Add(left).UTC().Truncate(time.Second)}
}

func (r *remote) client(t *testing.T, context Context, store Store) *Client {
	c := New(Options{Server: &Server{Context: context, Store: store}})
	t.Cleanup(c.Close)
	return c
}

// stored keeps a context in a file.
func stored(t *testing.T, context Context) *ContextFile {
	f := &ContextFile{filepath.Join(t.TempDir(), "octaskly", "contexts.json")}
	if err := f.Change(t.Context(), func(all *Contexts) error { all.Put(context); return nil }); err != nil {
		t.Fatal(err)
	}
	return f
}

func load(t *testing.T, f *ContextFile) Context {
	t.Helper()
	all, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	return *all.Find("lab")
}

// TestCallsByHTTPS makes each call through the other door.
func TestCallsByHTTPS(t *testing.T) {
	r := newRemote(t, &fake{})
	r.book.accept("a0")
	c := r.client(t, r.context(time.Hour), nil)
	checkCalls(t, r.fake, c)
	if n, _ := r.book.counts(); n != 0 {
		t.Errorf("%d renewals", n)
	}
}

// TestWhoIsTrusted trusts the authority of the context and no other.
func TestWhoIsTrusted(t *testing.T) {
	r, other := newRemote(t, &fake{}), newRemote(t, &fake{})
	wrongName := r.context(time.Hour)
	for what, change := range map[string]func(*Context){
		"another authority": func(c *Context) { c.CA = other.ca },
		"the system's":      func(c *Context) { c.CA = "" },
	} {
		server := wrongName
		change(&server)
		_, err := r.client(t, server, nil).Stats(t.Context())
		unreachable, ok := errors.AsType[*Unreachable](err)
		if !ok || unreachable.URL != r.url || !Distrusted(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if r.fake.asked != "" {
		t.Error("it was asked", r.fake.asked)
	}
}

// TestNoOldTLS refuses what is older than TLS 1.3.
func TestNoOldTLS(t *testing.T) {
	r := &remote{book: newBook()}
	handshakes := make(chan error, 1)
	r.listen(t, func(ctx context.Context, ln net.Listener, config *tls.Config) error {
		config.MaxVersion = tls.VersionTLS12
		conn, err := tls.NewListener(ln, config).Accept()
		if err != nil {
			return err
		}
		handshakes <- conn.(*tls.Conn).HandshakeContext(ctx)
		return errors.Join(conn.Close(), ln.Close())
	})
	_, err := r.client(t, r.context(time.Hour), nil).Stats(t.Context())
	if unreachable, ok := errors.AsType[*Unreachable](err); !ok || unreachable.URL != r.url || <-handshakes == nil {
		t.Errorf("got %v", err)
	}
}

// TestPresented gives the chain, up to the authority.
func TestPresented(t *testing.T) {
	r := newRemote(t, &fake{})
	where, err := ParseURL(r.url)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := Presented(t.Context(), where)
	if err != nil || len(chain) != 2 || !chain[1].IsCA {
		t.Fatalf("%v, %v", chain, err)
	}
}

func TestNobodyThere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	for _, scheme := range []string{"https://", "http://"} {
		url := scheme + ln.Addr().String()
		_, err := New(Options{Server: &Server{Context: Context{URL: url, Token: "t"}}}).Stats(t.Context())
		want := "cannot reach the dispatcher at " + url + ": connection refused"
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
