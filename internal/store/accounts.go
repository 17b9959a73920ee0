package store

import (
	"context"
	"fmt"
	"math"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Records is what one Record writes: rows take the place of what was there, then
// what is removed goes, a user with all his tokens. Actions are appended to the
// audit log; their Seq and Hash are set.
type Records struct {
	Users         []octaskly.User
	RemovedUsers  []string
	Tokens        []octaskly.Token
	RemovedTokens []string
	Keys          []octaskly.SigningKey
	RemovedKeys   []string
	Actions       []octaskly.Action
	Settled       bool // what Copied asks for
	Roster
}

func (r *Records) empty() bool {
	return len(r.Users)+len(r.RemovedUsers)+len(r.Tokens)+len(r.RemovedTokens)+len(r.Keys)+len(r.RemovedKeys)+len(r.Actions) == 0 && !r.Settled && r.Roster.empty()
}

// check refuses what would break the commit that others share.
func (r *Records) check() error {
	for i := range r.Users {
		if rate := r.Users[i].Quota.Rate; math.IsNaN(rate) || math.IsInf(rate, 0) {
			return &octaskly.FieldError{Field: "submits_per_second", Why: fmt.Sprintf("%v is no number that can be kept", rate)}
		}
	}
	for i := range r.Keys {
		if r.Keys[i].Sealed == nil {
			return fmt.Errorf("signing key %q has no content", r.Keys[i].ID)
		}
	}
	return nil
}

const (
	userColumns  = `u.name, u.role, u.password, u.disabled, u.queued, u.running, u.rate, u.created_at, u.changed_at`
	tokenColumns = `t.id, t.kind, t.user, t.role, t.name, t."from", t.secret, t.former,
		t.created_at, t.used_at, t.expires_at, t.revoked_at`
	keyColumns = `k.id, k.sealed, k.created_at, k.retired_at`
)

func addUser(s *statement, u *octaskly.User) error {
	s.add(u.Name, string(u.Role), u.Password, u.Disabled, u.Quota.Queued, u.Quota.Running, u.Quota.Rate,
		micros(u.CreatedAt), micros(u.ChangedAt))
	return nil
}

func userFields(u *octaskly.User) []any {
	return []any{&u.Name, &u.Role, &u.Password, &u.Disabled, &u.Quota.Queued, &u.Quota.Running, &u.Quota.Rate,
		moment{&u.CreatedAt}, moment{&u.ChangedAt}}
}

func addToken(s *statement, t *octaskly.Token) error {
	s.add(t.ID, string(t.Kind), t.User, string(t.Role), t.Name, t.From, t.Secret, t.Former,
		micros(t.CreatedAt), micros(t.UsedAt), micros(t.ExpiresAt), micros(t.RevokedAt))
	return nil
}

func tokenFields(t *octaskly.Token) []any {
	return []any{&t.ID, &t.Kind, &t.User, &t.Role, &t.Name, &t.From, &t.Secret, &t.Former,
		moment{&t.CreatedAt}, moment{&t.UsedAt}, moment{&t.ExpiresAt}, moment{&t.RevokedAt}}
}

func addKey(s *statement, k *octaskly.SigningKey) error {
	s.add(k.ID, k.Sealed, micros(k.CreatedAt), micros(k.RetiredAt))
	return nil
}

func keyFields(k *octaskly.SigningKey) []any {
	return []any{&k.ID, &k.Sealed, moment{&k.CreatedAt}, moment{&k.RetiredAt}}
}

// Users lists all users, by name.
func (s *Store) Users(ctx context.Context) ([]octaskly.User, error) {
	return all(ctx, s, userFields, `SELECT `+userColumns+` FROM users u ORDER BY u.name`)
}

// Tokens lists the tokens of all users, by id, with those that have expired or are
// revoked and not removed.
func (s *Store) Tokens(ctx context.Context) ([]octaskly.Token, error) {
	return all(ctx, s, tokenFields, `SELECT `+tokenColumns+` FROM tokens t ORDER BY t.id`)
}

// SigningKeys lists all signing keys, by id.
func (s *Store) SigningKeys(ctx context.Context) ([]octaskly.SigningKey, error) {
	return all(ctx, s, keyFields, `SELECT `+keyColumns+` FROM signing_keys k ORDER BY k.id`)
}

func all[T any](ctx context.Context, s *Store, fields func(*T) []any, query string) ([]T, error) {
	rows, err := list(ctx, s.readers, fields, query)
	return rows, s.unreadable(ctx, err)
}
