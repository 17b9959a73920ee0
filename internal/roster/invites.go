package roster

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	defaultLife = 24 * time.Hour // of an invite
	maxLife     = 30 * 24 * time.Hour
	maxOpen     = 1000
	maxInvites  = 10_000 // of all that are kept
	maxName     = 64     // bytes, of a worker
)

// Invite implements api.Roster. What is written down is not enough to make it again.
func (r *Roster) Invite(ctx context.Context, who api.Caller, how *api.NewInvite) (*api.CreatedInvite, error) {
	if err := allow(who, "invite a worker"); err != nil {
		return nil, err
	}
	after, err := r.checkInvite(how)
	if err != nil {
		return nil, err
	}
	now := clock()
	terms := joining.InviteTerms{Expires: now.Add(after).Truncate(time.Second), Authority: sha256.Sum256(r.authority().Certificate().Raw), Name: how.Name}
	rand.Read(terms.ID[:])
	secret, err := joining.NewInvite(r.keys()[0], terms)
	if err != nil {
		return nil, err
	}
	v := octaskly.Invite{ID: terms.ID.String(), Name: how.Name, By: who.Name, CreatedAt: now, ExpiresAt: terms.Expires}
	err = r.alter(ctx, who, func() (*change, error) {
		if n := r.countOpen(now); n >= maxOpen {
			return nil, fmt.Errorf("cannot make another invite: %d are open; octasklyctl worker uninvite ends some: %w", n, octaskly.ErrFull)
		}
		c := &change{target: v.ID, detail: "for any worker until " + v.ExpiresAt.Format(time.RFC3339)}
		if v.Name != "" {
			c.detail = "for worker " + v.Name + " until " + v.ExpiresAt.Format(time.RFC3339)
		}
		c.Invites, c.RemovedInvites = []octaskly.Invite{v}, r.surplusInvites(now)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreatedInvite{Invite: describeInvite(&v, now), Token: secret.Text()}, nil
}

func (r *Roster) checkInvite(how *api.NewInvite) (time.Duration, error) {
	after := defaultLife
	if how.Expires != nil {
		after = time.Duration(*how.Expires)
	}
	if after < time.Second || after > maxLife {
		return 0, badField("expires_in", "want between 1s and 30d")
	}
	if len(how.Name) > maxName {
		return 0, badField("name", "has %d bytes, want at most %d", len(how.Name), maxName)
	}
	if strings.IndexFunc(how.Name, notOfName) >= 0 || strings.HasPrefix(how.Name, ".") || strings.HasPrefix(how.Name, "-") {
		return 0, badField("name", "no worker can be called %.64q: want letters, digits and ._-, and neither . nor - first", how.Name)
	}
	if how.Name != "" {
		return after, r.book.presentPolicy().allows(how.Name)
	}
	return after, nil
}

func notOfName(r rune) bool {
	return !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-", r)
}

// surplusInvites are those that are over and go before their time, the oldest first.
func (r *Roster) surplusInvites(now time.Time) (ids []string) {
	all := r.book.allInvites()
	if len(all) < maxInvites {
		return nil
	}
	slices.SortFunc(all, func(x, y *octaskly.Invite) int { return x.CreatedAt.Compare(y.CreatedAt) })
	for _, v := range all {
		if !open(v, now) && len(all)-len(ids) >= maxInvites {
			ids = append(ids, v.ID)
		}
	}
	return ids
}

func (r *Roster) countOpen(now time.Time) (n int) {
	for _, v := range r.book.allInvites() {
		if open(v, now) {
			n++
		}
	}
	return n
}

// Invites implements api.Roster.
func (r *Roster) Invites(_ context.Context, who api.Caller) ([]api.Invite, error) {
	if err := allow(who, "list invites"); err != nil {
		return nil, err
	}
	all, now := r.book.allInvites(), clock()
	slices.SortFunc(all, func(x, y *octaskly.Invite) int {
		return cmp.Or(y.CreatedAt.Compare(x.CreatedAt), cmp.Compare(x.ID, y.ID))
	})
	list := make([]api.Invite, 0, len(all))
	for _, v := range all {
		list = append(list, describeInvite(v, now))
	}
	return list, nil
}

// RevokeInvite implements api.Roster. A worker that has come by it stays.
func (r *Roster) RevokeInvite(ctx context.Context, who api.Caller, id string) (page *api.Invite, err error) {
	if err := allow(who, "revoke an invite"); err != nil {
		return nil, err
	}
	about(who, id)
	err = r.alter(ctx, who, func() (*change, error) {
		v, now := r.book.invite(id), clock()
		switch {
		case v == nil:
			return nil, fmt.Errorf("cannot revoke invite %.40q: there is none of that id (octasklyctl worker invites lists them): %w", id, octaskly.ErrNotFound)
		case !open(v, now):
			return nil, fmt.Errorf("cannot revoke invite %s: it is %s: %w", id, stateOf(v, now), octaskly.ErrConflict)
		}
		c := &change{target: id}
		c.Invites = []octaskly.Invite{withdrawn(v, now)}
		page = new(describeInvite(&c.Invites[0], now))
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}
