package store

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// accounts are the part of a model that Record writes.
type accounts struct {
	users   map[string]octaskly.User
	tokens  map[string]octaskly.Token
	keys    map[string]octaskly.SigningKey
	actions []octaskly.Action
	roster  enlisted
}

func noAccounts() accounts {
	return accounts{users: map[string]octaskly.User{}, tokens: map[string]octaskly.Token{}, keys: map[string]octaskly.SigningKey{}, roster: nobodyEnlisted()}
}

func (m *accounts) apply(r *Records) {
	for _, u := range r.Users {
		m.users[u.Name] = u
	}
	for _, t := range r.Tokens {
		m.tokens[t.ID] = t
	}
	for _, k := range r.Keys {
		m.keys[k.ID] = k
	}
	for _, name := range r.RemovedUsers {
		delete(m.users, name)
		maps.DeleteFunc(m.tokens, func(_ string, t octaskly.Token) bool { return t.User == name })
	}
	for _, id := range r.RemovedTokens {
		delete(m.tokens, id)
	}
	for _, id := range r.RemovedKeys {
		delete(m.keys, id)
	}
	m.actions = append(m.actions, r.Actions...)
	m.roster.apply(&r.Roster)
}

func (m *accounts) compare(r *rapid.T, s engine) {
	r.Helper()
	users, err := s.Users(ctx)
	equal(r, "Users", inOrder(m.users), users, err)
	tokens, err := s.Tokens(ctx)
	equal(r, "Tokens", inOrder(m.tokens), tokens, err)
	keys, err := s.SigningKeys(ctx)
	equal(r, "SigningKeys", inOrder(m.keys), keys, err)
	m.roster.compare(r, s)
	m.compareChain(r)
	q := drawActionQuery(r)
	found, err := s.Actions(ctx, q)
	equal(r, "Actions", m.query(q), found, err)
	var last, anchor *octaskly.Action
	if n := len(m.actions); n > 0 {
		last, anchor = &m.actions[n-1], &m.actions[rapid.IntRange(0, n-1).Draw(r, "anchor")]
	}
	got, err := s.LastAction(ctx)
	equal(r, "LastAction", last, got, err)
	report, err := s.VerifyActions(ctx, anchor)
	equal(r, "VerifyActions", &ActionReport{Rows: int64(len(m.actions)), First: int64(min(1, len(m.actions))), Last: last}, report, err)
}

// compareChain wants the numbers and hashes that were given out to be a chain.
func (m *accounts) compareChain(r *rapid.T) {
	r.Helper()
	before := make([]byte, sha256.Size)
	for i := range m.actions {
		a := &m.actions[i]
		row, err := encode(a, int64(i)+1)
		if err != nil || a.Seq != int64(i)+1 || !bytes.Equal(a.Hash, link(before, row)) {
			r.Fatalf("row %d is %+v: %v", i+1, a, err)
		}
		before = a.Hash
	}
}

func inOrder[V any](m map[string]V) (all []V) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[key])
	}
	return all
}

func (m *accounts) query(q ActionQuery) (found []octaskly.Action) {
	for _, a := range slices.Backward(m.actions) {
		if q.fits(&a) && len(found) < q.Limit {
			found = append(found, a)
		}
	}
	return found
}

func (q *ActionQuery) fits(a *octaskly.Action) bool {
	what := q.What == "" || a.What == q.What && strings.Contains(q.What, ".") || !strings.Contains(q.What, ".") && strings.HasPrefix(a.What, q.What+".")
	outcome := q.Outcome == "" || a.Outcome == q.Outcome || q.Outcome == Refused && a.Outcome != octaskly.Done
	return what && outcome && (q.Who == "" || a.Who == q.Who) && (q.Target == "" || a.Target == q.Target) &&
		(q.Since.IsZero() || micros(a.At) >= micros(q.Since)) && (q.Until.IsZero() || micros(a.At) < micros(q.Until)) &&
		(q.Before == 0 || a.Seq < q.Before)
}

var (
	someNames    = []string{"", "ann", "bob"}
	someWhats    = []string{"", "task", "task.submit", "task.cancel", "user.create", "tasks.x", "user"}
	someOutcomes = []string{"", octaskly.Done, "denied", "unknown"}
)

func drawActionQuery(r *rapid.T) ActionQuery {
	return ActionQuery{
		Who: rapid.SampledFrom(someNames).Draw(r, "who"), What: rapid.SampledFrom(someWhats).Draw(r, "what"),
		Target: rapid.SampledFrom(someNames).Draw(r, "target"), Outcome: rapid.SampledFrom(append(someOutcomes, Refused)).Draw(r, "outcome"),
		Since: drawTime(r), Until: drawTime(r), Before: rapid.Int64Range(0, 9).Draw(r, "before"), Limit: rapid.IntRange(-1, 9).Draw(r, "limit"),
	}
}

func drawActions(r *rapid.T) (all []octaskly.Action) {
	for range rapid.IntRange(0, 3).Draw(r, "actions") {
		all = append(all, octaskly.Action{
			At: drawTime(r), Who: rapid.SampledFrom(someNames).Draw(r, "who"), Role: octaskly.Role(drawText(r)), Token: drawText(r), From: drawText(r),
			What: rapid.SampledFrom(someWhats).Draw(r, "what"), Target: rapid.SampledFrom(someNames).Draw(r, "target"),
			Outcome: rapid.SampledFrom(someOutcomes).Draw(r, "outcome"), Detail: drawText(r),
		})
	}
	return all
}

func drawRecords(r *rapid.T) *Records {
	records := &Records{Actions: drawActions(r), Roster: drawRoster(r)}
	name := rapid.SampledFrom([]string{"ann", "bob", "carol", ""})
	id := rapid.SampledFrom([]string{"1", "2", "3", "4", ""})
	secret := rapid.SampledFrom([][]byte{nil, {0}, make([]byte, 32)})
	for range rapid.IntRange(0, 2).Draw(r, "users") {
		records.Users = append(records.Users, octaskly.User{
			Name: name.Draw(r, "user"), Role: octaskly.Role(drawText(r)), Password: drawText(r), Disabled: rapid.Bool().Draw(r, "disabled"),
			Quota: octaskly.Quota{Queued: rapid.Int64().Draw(r, "queued"), Running: rapid.Int64().Draw(r, "running"),
				Rate: rapid.SampledFrom([]float64{0, -1, 1, 0.1, 1e300}).Draw(r, "rate")},
			CreatedAt: drawTime(r), ChangedAt: drawTime(r),
		})
	}
	for range rapid.IntRange(0, 3).Draw(r, "tokens") {
		records.Tokens = append(records.Tokens, octaskly.Token{
			ID: id.Draw(r, "token"), Kind: octaskly.TokenKind(drawText(r)), User: name.Draw(r, "user"), Role: octaskly.Role(drawText(r)),
			Name: drawText(r), From: drawText(r), Secret: secret.Draw(r, "secret"), Former: secret.Draw(r, "former"),
			CreatedAt: drawTime(r), UsedAt: drawTime(r), ExpiresAt: drawTime(r), RevokedAt: drawTime(r),
		})
	}
	for range rapid.IntRange(0, 1).Draw(r, "keys") {
		records.Keys = append(records.Keys, octaskly.SigningKey{
			ID: id.Draw(r, "key"), Sealed: rapid.SliceOfN(rapid.Byte(), 1, 5).Draw(r, "sealed"), CreatedAt: drawTime(r), RetiredAt: drawTime(r),
		})
	}
	records.RemovedUsers = rapid.SliceOfN(name, 0, 1).Draw(r, "removed users")
	records.RemovedTokens = rapid.SliceOfN(id, 0, 2).Draw(r, "removed tokens")
	records.RemovedKeys = rapid.SliceOfN(id, 0, 1).Draw(r, "removed keys")
	return records
}
