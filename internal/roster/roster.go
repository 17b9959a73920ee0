package roster

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/store"
)

// Store is where a roster lies.
type Store interface {
	// Record returns when all of the rows are on disk, or none.
	Record(context.Context, *store.Records) error
	Identities(context.Context) ([]octaskly.Identity, error)
	Invites(context.Context) ([]octaskly.Invite, error)
	Removals(context.Context) ([]octaskly.Removal, error)
	Copied(context.Context) (store.Copied, error)
}

// Config is what New needs.
type Config struct {
	Store     Store
	Fleet     string                                      // its name
	Keys      func() []security.Key                       // of the fleet, the present one first
	Authority func() *security.Authority                  // that signs now
	Signer    func(*x509.Certificate) *security.Authority // of that certificate; nil if it is none of the fleet's now
	Policy    Policy
	Log       *slog.Logger
}

// Roster implements joining.Desk, api.Roster and dispatcher.Roster. All of it is safe
// for concurrent use.
type Roster struct {
	store     Store
	fleet     string
	keys      func() []security.Key
	authority func() *security.Authority
	signer    func(*x509.Certificate) *security.Authority
	log       *slog.Logger

	book book
	hall hall

	changing sync.Mutex // whoever changes something
	stale    bool       // a write failed: the store may have more than memory
}

// New loads a roster from the store. Call it before accounts.New, which settles what
// both have to do with a copied database.
func New(c Config) (*Roster, error) {
	r := &Roster{store: c.Store, fleet: c.Fleet, keys: c.Keys, authority: c.Authority, signer: c.Signer, log: c.Log, hall: newHall()}
	r.SetPolicy(c.Policy)
	ctx := context.Background()
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.load(ctx); err != nil {
		return nil, fmt.Errorf("cannot load who may join: %w", err)
	}
	if err := r.settleCopy(ctx); err != nil {
		return nil, fmt.Errorf("cannot end what a copied database lets in: %w", err)
	}
	return r, nil
}

// load replaces memory by what the store has.
func (r *Roster) load(ctx context.Context) error {
	identities, err := r.store.Identities(ctx)
	if err != nil {
		return err
	}
	invites, err := r.store.Invites(ctx)
	if err != nil {
		return err
	}
	removals, err := r.store.Removals(ctx)
	if err != nil {
		return err
	}
	r.book.fill(&store.Roster{Identities: identities, Invites: invites, Removals: removals})
	return nil
}

// Certified is how many workers have a certificate that lets them in.
func (r *Roster) Certified() int { return r.book.certified(clock()) }

// Fleet implements joining.Desk.
func (r *Roster) Fleet() string { return r.fleet }

// Keys implements joining.Desk.
func (r *Roster) Keys() []security.Key { return r.keys() }

// clock is the time on the wall, as exactly as the store keeps it.
func clock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
