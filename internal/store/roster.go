package store

import (
	"context"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Roster is rows of who may join and who has: they take the place of what was there,
// then what is removed goes.
type Roster struct {
	Identities        []octaskly.Identity
	RemovedIdentities []string // serials
	Invites           []octaskly.Invite
	RemovedInvites    []string
	Removals          []octaskly.Removal
	Readmitted        []octaskly.WorkerID // whose removal is lifted
}

func (r *Roster) empty() bool {
	return len(r.Identities)+len(r.RemovedIdentities)+len(r.Invites)+len(r.RemovedInvites)+len(r.Removals)+len(r.Readmitted) == 0
}

// Add adds other's rows, which are of other workers.
func (r *Roster) Add(other *Roster) {
	r.Identities = append(r.Identities, other.Identities...)
	r.RemovedIdentities = append(r.RemovedIdentities, other.RemovedIdentities...)
	r.Invites = append(r.Invites, other.Invites...)
	r.RemovedInvites = append(r.RemovedInvites, other.RemovedInvites...)
	r.Removals = append(r.Removals, other.Removals...)
	r.Readmitted = append(r.Readmitted, other.Readmitted...)
}

const (
	identityColumns = `i.serial, i.worker, i.name, i.how, i.key, i.issued_at, i.expires_at, i.revoked_at`
	inviteColumns   = `v.id, v.name, v.by, v.created_at, v.expires_at, v.used_by, v.used_key, v.used_at, v.revoked_at`
	removalColumns  = `r.id, r.name, r.by, r.at`
)

func addIdentity(s *statement, i *octaskly.Identity) error {
	s.add(i.Serial, string(i.Worker), i.Name, i.How, bytesOf(i.Key), micros(i.IssuedAt), micros(i.ExpiresAt), micros(i.RevokedAt))
	return nil
}

func identityFields(i *octaskly.Identity) []any {
	return []any{&i.Serial, &i.Worker, &i.Name, &i.How, some{&i.Key}, moment{&i.IssuedAt}, moment{&i.ExpiresAt}, moment{&i.RevokedAt}}
}

func addInvite(s *statement, v *octaskly.Invite) error {
	s.add(v.ID, v.Name, v.By, micros(v.CreatedAt), micros(v.ExpiresAt), string(v.UsedBy), bytesOf(v.UsedKey), micros(v.UsedAt), micros(v.RevokedAt))
	return nil
}

func inviteFields(v *octaskly.Invite) []any {
	return []any{&v.ID, &v.Name, &v.By, moment{&v.CreatedAt}, moment{&v.ExpiresAt}, &v.UsedBy, some{&v.UsedKey}, moment{&v.UsedAt}, moment{&v.RevokedAt}}
}

func addRemoval(s *statement, r *octaskly.Removal) error {
	s.add(string(r.Worker), r.Name, r.By, micros(r.At))
	return nil
}

func removalFields(r *octaskly.Removal) []any {
	return []any{&r.Worker, &r.Name, &r.By, moment{&r.At}}
}

// Identities lists all that are kept, by serial.
func (s *Store) Identities(ctx context.Context) ([]octaskly.Identity, error) {
	return all(ctx, s, identityFields, `SELECT `+identityColumns+` FROM identities i ORDER BY i.serial`)
}

// Invites lists all that are kept, by id.
func (s *Store) Invites(ctx context.Context) ([]octaskly.Invite, error) {
	return all(ctx, s, inviteFields, `SELECT `+inviteColumns+` FROM invites v ORDER BY v.id`)
}

// Removals lists the workers that were removed, by id.
func (s *Store) Removals(ctx context.Context) ([]octaskly.Removal, error) {
	return all(ctx, s, removalFields, `SELECT `+removalColumns+` FROM removed_workers r ORDER BY r.id`)
}
