package accounts

import (
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// What the audit log says of users and tokens, never of their secrets.

func created(u *octaskly.User) string {
	said := "role " + string(u.Role)
	if u.Password != "" {
		said += ", with a password"
	}
	if u.Quota != (octaskly.Quota{}) {
		said += ", " + quotaText(u.Quota)
	}
	return said
}

// differences says what has changed.
func differences(before, after *octaskly.User, password bool) (said []string) {
	if after.Role != before.Role {
		said = append(said, fmt.Sprintf("role %s, was %s", after.Role, before.Role))
	}
	switch {
	case password && after.Password == "":
		said = append(said, "password removed")
	case password:
		said = append(said, "password set")
	}
	switch {
	case after.Disabled && !before.Disabled:
		said = append(said, "disabled")
	case before.Disabled && !after.Disabled:
		said = append(said, "enabled")
	}
	if after.Quota != before.Quota {
		said = append(said, quotaText(after.Quota))
	}
	return said
}

func quotaText(q octaskly.Quota) string {
	return fmt.Sprintf("quota queued=%d running=%d submits_per_second=%v", q.Queued, q.Running, q.Rate)
}

func tokenText(t *octaskly.Token) string {
	return fmt.Sprintf("%s token %q of %s, role %s, until %s", t.Kind, t.Name, t.User, t.Role, t.ExpiresAt.Format(time.RFC3339))
}
