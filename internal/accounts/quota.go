package accounts

import (
	"cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Quota is what a user may have: his own, and where that says nothing what the
// configuration says for all. It reads memory only.
func (a *Accounts) Quota(user string) octaskly.Quota {
	u := a.book.user(user)
	if u == nil {
		return a.quotas
	}
	return octaskly.Quota{
		Queued:  cmp.Or(u.Quota.Queued, a.quotas.Queued),
		Running: cmp.Or(u.Quota.Running, a.quotas.Running),
		Rate:    cmp.Or(u.Quota.Rate, a.quotas.Rate),
	}
}
