package accounts

import (
	"context"
	"fmt"
	"slices"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// maxKeys bounds the keys, with the retired ones that machine tokens still need.
const maxKeys = 64

// loadKeys puts the keys that the store has on the ring. Where none of them signs, or
// the one that did cannot be opened, it makes another.
func (a *Accounts) loadKeys(ctx context.Context) error {
	rows, err := a.store.SigningKeys(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(x, y octaskly.SigningKey) int { return x.CreatedAt.Compare(y.CreatedAt) })
	for _, id := range a.ring.IDs() {
		if !slices.ContainsFunc(rows, func(k octaskly.SigningKey) bool { return k.ID == id }) {
			a.ring.Remove(id)
		}
	}
	signs := false
	var lost, former []octaskly.SigningKey // former: sealed under a former fleet key
	for i, key := range rows {
		err := a.open(&key)
		if err != nil {
			a.log.Error("cannot open a signing key; what it has signed is good for nothing", "key", key.ID, "error", err)
		}
		if key.RetiredAt.IsZero() && err != nil {
			lost = append(lost, key)
		}
		signs = signs || key.RetiredAt.IsZero() && err == nil
		if err == nil && !a.vault.IsCurrent(key.Sealed) {
			if rows[i].Sealed, err = a.reseal(&key); err != nil {
				return err
			}
			former = append(former, rows[i])
		}
	}
	if len(former) > 0 {
		if err := a.store.Record(ctx, &store.Records{Keys: former}); err != nil {
			return err
		}
	}
	a.keys = rows
	inOrder(a.keys)
	if signs && len(lost) == 0 {
		return nil
	}
	return a.replaceKey(ctx, lost)
}

// replaceKey makes a key that signs in the place of one that cannot be opened, since the
// fleet key that has sealed it is not there, or of none. That is no reason not to
// start; but whoever is logged in has to do it again. Machine tokens stay in the
// list: they are good again once the former fleet key is back.
func (a *Accounts) replaceKey(ctx context.Context, lost []octaskly.SigningKey) error {
	now := clock()
	key, err := a.newKey(now)
	if err != nil {
		return err
	}
	rows := &store.Records{Keys: []octaskly.SigningKey{*key}}
	for _, former := range lost {
		rows.Keys = append(rows.Keys, a.retire(former, now))
	}
	if len(lost) > 0 {
		rows.Tokens = ending(a.logins(""), now)
		why := fmt.Sprintf("signing key %s cannot be opened, as if the fleet key were another: %d logins ended, and machine tokens made before are good only with the former fleet key", lost[0].ID, len(rows.Tokens))
		rows.Actions = []octaskly.Action{{At: now, What: "key.rotate", Target: key.ID, Outcome: octaskly.Done, Detail: why}}
		a.log.Warn(why, "key", key.ID)
	}
	return a.write(ctx, rows)
}

// RotateKeys signs with a new key from now on. The former one is retired; a retired
// one is removed when nothing that it has signed is good any more.
func (a *Accounts) RotateKeys(ctx context.Context, who api.Caller) (*api.Keys, error) {
	if err := allow(who, auth.ManageUsers, "rotate keys"); err != nil {
		return nil, err
	}
	var keys api.Keys
	err := a.alter(ctx, who, func() (*change, error) { return a.rotate(&keys) })
	if err != nil {
		return nil, err
	}
	return &keys, nil
}

func (a *Accounts) rotate(keys *api.Keys) (*change, error) {
	now := clock()
	c := &change{}
	c.RemovedKeys = a.spent(now)
	if len(a.keys)-len(c.RemovedKeys) >= maxKeys {
		return nil, fmt.Errorf("cannot rotate keys: machine tokens still need %d retired ones; revoke the oldest (octasklyctl token ls --all): %w", maxKeys-1, octaskly.ErrFull)
	}
	key, err := a.newKey(later(now, a.keys[0].CreatedAt))
	if err != nil {
		return nil, err
	}
	keys.IDs = []string{key.ID}
	for _, former := range a.keys {
		if slices.Contains(c.RemovedKeys, former.ID) {
			continue
		}
		keys.IDs = append(keys.IDs, former.ID)
		if former.RetiredAt.IsZero() {
			c.Keys = append(c.Keys, a.retire(former, now))
		}
	}
	c.Keys = append(c.Keys, *key)
	c.target = key.ID
	c.detail = fmt.Sprintf("%d retired keys stay, %d removed", len(keys.IDs)-1, len(c.RemovedKeys))
	return c, nil
}
