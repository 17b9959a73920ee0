package accounts

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/store"
)

// Store is where accounts lie.
type Store interface {
	// Record returns when all of the rows are on disk, or none.
	Record(context.Context, *store.Records) error
	Users(context.Context) ([]octaskly.User, error)
	Tokens(context.Context) ([]octaskly.Token, error)
	SigningKeys(context.Context) ([]octaskly.SigningKey, error)
	Actions(context.Context, store.ActionQuery) ([]octaskly.Action, error)
	LastAction(context.Context) (*octaskly.Action, error)
	VerifyActions(ctx context.Context, anchor *octaskly.Action) (*store.ActionReport, error)
	FindCut(context.Context, store.CutRule) (*store.Cut, error)
	Dropped(context.Context) (*store.Base, error)
	DropActions(ctx context.Context, base *store.Base, budget time.Duration) (all bool, err error)
	Copied(context.Context) (store.Copied, error)
	FleetID() string
	JobsOf(ctx context.Context, owner string) (int64, error)
}

// Config is what New needs.
type Config struct {
	Store  Store
	Keys   security.Keys  // of the fleet: the present one seals the signing keys
	Quotas octaskly.Quota // of users who have none of their own; 0 is no bound
	Log    *slog.Logger

	// How much is kept of the audit log; 0 is no bound.
	AuditAge  time.Duration
	AuditRows int64
}

// Accounts implements api.Accounts. All of it is safe for concurrent use.
type Accounts struct {
	store   Store
	vault   *security.Vault
	secrets secrets
	quotas  octaskly.Quota
	log     *slog.Logger
	kept    auditBounds

	book     book
	ring     *auth.Keyring
	seen     seen
	uses     uses
	refusals refusals
	throttle *auth.Throttle
	hash     func(ctx context.Context, password string) (string, error)
	check    func(ctx context.Context, hash, password string) (bool, error)

	changing sync.Mutex            // whoever changes something; the rest is for its holder
	keys     []octaskly.SigningKey // the signing one first, then as they were retired
	stale    bool                  // a write failed: the store may have more than memory
}

// New loads accounts from the store. It makes the first signing key, and another one
// where the fleet key that has sealed it is no longer there.
func New(c Config) (*Accounts, error) {
	a := &Accounts{
		store: c.Store, vault: c.Keys.Vault(), secrets: newSecrets(c.Keys), quotas: c.Quotas, log: c.Log,
		kept:     auditBounds{c.AuditAge, c.AuditRows},
		ring:     auth.NewKeyring("octaskly:" + c.Store.FleetID()),
		throttle: auth.NewThrottle(),
		hash:     security.HashPassword,
		check:    security.CheckPassword,
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	ctx := context.Background()
	if err := a.load(ctx); err != nil {
		return nil, fmt.Errorf("cannot load accounts: %w", err)
	}
	if err := a.loadKeys(ctx); err != nil {
		return nil, fmt.Errorf("cannot load signing keys: %w", err)
	}
	if err := a.settleCopy(ctx); err != nil {
		return nil, fmt.Errorf("cannot end what a copied database lets in: %w", err)
	}
	return a, nil
}

// load replaces memory by what the store has.
func (a *Accounts) load(ctx context.Context) error {
	users, err := a.store.Users(ctx)
	if err != nil {
		return err
	}
	tokens, err := a.store.Tokens(ctx)
	if err != nil {
		return err
	}
	a.book.fill(users, tokens)
	return nil
}

// clock is the time on the wall, as exactly as the store keeps it. What lives for days
// must not go by the monotonic clock, which stands still while a machine sleeps.
func clock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
