package roster

import (
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func withdrawn(v *octaskly.Invite, now time.Time) octaskly.Invite {
	copied := *v
	copied.RevokedAt = now
	return copied
}

// open reports whether an invite may still be used by anybody.
func open(v *octaskly.Invite, now time.Time) bool { return stateOf(v, now) == "open" }

func stateOf(v *octaskly.Invite, now time.Time) string {
	switch {
	case !v.RevokedAt.IsZero():
		return "revoked"
	case !v.UsedAt.IsZero():
		return "used"
	case !now.Before(v.ExpiresAt):
		return "expired"
	}
	return "open"
}

func describeInvite(v *octaskly.Invite, now time.Time) api.Invite {
	return api.Invite{
		ID: v.ID, Name: v.Name, State: stateOf(v, now), By: v.By, CreatedAt: v.CreatedAt, ExpiresAt: v.ExpiresAt,
		UsedBy: string(v.UsedBy), UsedAt: moment(v.UsedAt), RevokedAt: moment(v.RevokedAt),
	}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
