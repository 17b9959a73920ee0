package store

import (
	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// enlisted is the part of a model that a Roster writes.
type enlisted struct {
	identities map[string]octaskly.Identity
	invites    map[string]octaskly.Invite
	removals   map[string]octaskly.Removal
}

func nobodyEnlisted() enlisted {
	return enlisted{map[string]octaskly.Identity{}, map[string]octaskly.Invite{}, map[string]octaskly.Removal{}}
}

func (m *enlisted) apply(r *Roster) {
	for _, i := range r.Identities {
		m.identities[i.Serial] = i
	}
	for _, v := range r.Invites {
		m.invites[v.ID] = v
	}
	for _, gone := range r.Removals {
		m.removals[string(gone.Worker)] = gone
	}
	for _, serial := range r.RemovedIdentities {
		delete(m.identities, serial)
	}
	for _, id := range r.RemovedInvites {
		delete(m.invites, id)
	}
	for _, id := range r.Readmitted {
		delete(m.removals, string(id))
	}
}

func (m *enlisted) compare(r *rapid.T, s engine) {
	r.Helper()
	identities, err := s.Identities(ctx)
	equal(r, "Identities", inOrder(m.identities), identities, err)
	invites, err := s.Invites(ctx)
	equal(r, "Invites", inOrder(m.invites), invites, err)
	removals, err := s.Removals(ctx)
	equal(r, "Removals", inOrder(m.removals), removals, err)
}

func drawRoster(r *rapid.T) (roster Roster) {
	id := rapid.SampledFrom([]string{"1", "2", "3", ""})
	key := rapid.SampledFrom([][]byte{nil, {0}, make([]byte, 32)})
	for range rapid.IntRange(0, 2).Draw(r, "identities") {
		roster.Identities = append(roster.Identities, octaskly.Identity{
			Serial: id.Draw(r, "serial"), Worker: octaskly.WorkerID(id.Draw(r, "worker")), Name: drawText(r), How: drawText(r), Key: key.Draw(r, "key"),
			IssuedAt: drawTime(r), ExpiresAt: drawTime(r), RevokedAt: drawTime(r),
		})
	}
	for range rapid.IntRange(0, 2).Draw(r, "invites") {
		roster.Invites = append(roster.Invites, octaskly.Invite{
			ID: id.Draw(r, "invite"), Name: drawText(r), By: drawText(r), CreatedAt: drawTime(r), ExpiresAt: drawTime(r),
			UsedBy: octaskly.WorkerID(id.Draw(r, "used by")), UsedKey: key.Draw(r, "key"), UsedAt: drawTime(r), RevokedAt: drawTime(r),
		})
	}
	for range rapid.IntRange(0, 2).Draw(r, "removals") {
		roster.Removals = append(roster.Removals, octaskly.Removal{Worker: octaskly.WorkerID(id.Draw(r, "removed")), Name: drawText(r), By: drawText(r), At: drawTime(r)})
	}
	roster.RemovedIdentities = rapid.SliceOfN(id, 0, 1).Draw(r, "removed identities")
	roster.RemovedInvites = rapid.SliceOfN(id, 0, 1).Draw(r, "removed invites")
	for _, one := range rapid.SliceOfN(id, 0, 1).Draw(r, "readmitted") {
		roster.Readmitted = append(roster.Readmitted, octaskly.WorkerID(one))
	}
	return roster
}
