package roster

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
)

const (
	life          = 30 * 24 * time.Hour // of a worker's certificate
	maxGood       = 16                  // of one worker; of more, the oldest is revoked
	maxEachHour   = 16                  // of one worker
	maxIdentities = 100_000             // of all
)

// What the audit log calls it.
const (
	joinAction   = "worker.join"
	renewAction  = "worker.renew"
	revokeAction = "worker.revoke"
)

// Issue implements joining.Desk.
func (r *Roster) Issue(ctx context.Context, a *joining.Application) (*x509.Certificate, error) {
	w := candidate{id: a.ID, name: a.Name, key: a.Key, spki: a.SPKI, how: "by " + a.Way.String()}
	approval := r.hall.approval(a)
	switch v := r.book.usedBy(a); {
	case approval != nil:
		w.how = approval.how
	case a.Way == joining.ByInvite && v != nil:
		w.how = fmt.Sprintf("by invite %s of %s", v.ID, v.By)
	}
	by := r.signer(a.Authority)
	if by == nil { // it was rotated away meanwhile
		return nil, fmt.Errorf("the dispatcher has another authority by now: %w", octaskly.ErrUnavailable)
	}
	return r.issue(ctx, by, approval, octaskly.Action{What: joinAction, From: a.Host()}, w)
}

// Renew gives a worker another certificate of its key, on a session that it has with
// the one before. That one stays good until its end.
func (r *Roster) Renew(ctx context.Context, who *transport.Identity) (certificate, authority *x509.Certificate, err error) {
	key, ok := who.Certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, nil, fmt.Errorf("cannot renew a certificate of %T: %w", who.Certificate.PublicKey, octaskly.ErrDenied)
	}
	if err := r.Judge(who, who.ID, who.Name); err != nil {
		return nil, nil, err
	}
	w := candidate{who.ID, who.Name, key, who.Certificate.RawSubjectPublicKeyInfo, "renewed"}
	by := r.authority()
	certificate, err = r.issue(ctx, by, nil, octaskly.Action{What: renewAction}, w)
	return certificate, by.Certificate(), err
}

// candidate is a worker that is about to have a certificate.
type candidate struct {
	id   octaskly.WorkerID
	name string
	key  *ecdsa.PublicKey
	spki []byte
	how  string
}

// issue writes, in one commit, the certificate, that it was given out, and that somebody
// has approved of it, if any.
func (r *Roster) issue(ctx context.Context, authority *security.Authority, by *approval, row octaskly.Action, w candidate) (certificate *x509.Certificate, err error) {
	var rows []octaskly.Action // numbered when they are written
	err = r.alter(ctx, api.Caller{}, func() (*change, error) {
		if err := r.notRemoved(w.id, w.name); err != nil {
			return nil, err
		}
		now := clock()
		surplus, err := r.roomFor(w, now)
		if err != nil {
			return nil, err
		}
		certificate, err = authority.IssueWorker(w.key, string(w.id), w.name, life, now)
		if err != nil {
			return nil, err
		}
		hash, serial := sha256.Sum256(w.spki), serialOf(certificate.SerialNumber)
		c := &change{}
		c.Identities = append(surplus, octaskly.Identity{
			Serial: serial, Worker: w.id, Name: w.name, How: w.how, Key: hash[:],
			IssuedAt: now, ExpiresAt: certificate.NotAfter.UTC(),
		})
		row.At, row.Target, row.Outcome = now, w.name, octaskly.Done
		row.Detail = fmt.Sprintf("%s; id %s, certificate %s, good until %s", w.how, w.id, serial, certificate.NotAfter.UTC().Format(time.RFC3339))
		rows = append(by.deeds(now), row)
		c.actions = rows
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	by.issued(rows)
	return certificate, nil
}

// roomFor bounds the certificates of one worker, and of all. Those that are too many
// are to be revoked, and those of a key that the worker has no more: who has that one by
// now is somebody else.
func (r *Roster) roomFor(w candidate, now time.Time) (surplus []octaskly.Identity, err error) {
	if all, _ := r.book.counts(); all >= maxIdentities {
		return nil, fmt.Errorf("cannot give out another certificate: there are %d, which is the most: %w", all, octaskly.ErrFull)
	}
	var alive []*octaskly.Identity
	lately, hash := 0, sha256.Sum256(w.spki)
	for _, i := range r.book.identitiesOf(w.id) {
		if now.Sub(i.IssuedAt).Abs() < time.Hour {
			lately++
		}
		switch {
		case !good(i, now):
		case !bytes.Equal(i.Key, hash[:]):
			surplus = append(surplus, revoked(i, now))
		default:
			alive = append(alive, i)
		}
	}
	if lately >= maxEachHour {
		return nil, fmt.Errorf("cannot give this worker another certificate: it has had %d within an hour: %w", lately, octaskly.ErrFull)
	}
	slices.SortFunc(alive, func(x, y *octaskly.Identity) int { return x.IssuedAt.Compare(y.IssuedAt) })
	for len(alive) >= maxGood {
		surplus = append(surplus, revoked(alive[0], now))
		alive = alive[1:]
	}
	return surplus, nil
}

func revoked(i *octaskly.Identity, now time.Time) octaskly.Identity {
	copied := *i
	copied.RevokedAt = now
	return copied
}
