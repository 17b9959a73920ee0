package accounts

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

const (
	maxName      = 128 // bytes of a user's name
	maxTokenName = 128
	maxUsers     = 10_000
	maxCount     = 1_000_000_000 // of a quota
	maxRate      = 1_000_000     // of a quota, a second
)

// checkName wants what a user of Unix or an e-mail address may be called, and what nobody
// takes for another's: the name is an owner's. Users from before that go on.
func checkName(name string) error {
	switch {
	case name == "":
		return badField("name", "is missing")
	case len(name) > maxName:
		return badField("name", "has %d bytes, want at most %d", len(name), maxName)
	case !alphanumeric(rune(name[0])):
		return badField("name", "%.140q does not begin with a letter from a to z or a digit", name)
	}
	if i := strings.IndexFunc(name, func(r rune) bool { return !alphanumeric(r) && !strings.ContainsRune("._-@", r) }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(name[i:])
		return badField("name", "%.140q has %q: want letters from a to z, digits, '.', '_', '-' and '@'", name, r)
	}
	return nil
}

func alphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// checkPassword never says what the password is.
func checkPassword(field, password string) error {
	switch n := len(password); {
	case n < security.MinPassword:
		return badField(field, "has %d bytes, want at least %d", n, security.MinPassword)
	case n > security.MaxPassword:
		return badField(field, "has %d bytes, want at most %d", n, security.MaxPassword)
	case !utf8.ValidString(password):
		return badField(field, "is not valid UTF-8")
	}
	return nil
}

func checkRole(role octaskly.Role) error {
	if _, err := octaskly.ParseRole(string(role)); err != nil {
		return badField("role", "%v", err)
	}
	return nil
}

func checkQuota(q octaskly.Quota) error {
	for _, c := range []struct {
		field string
		n     int64
	}{{"queued", q.Queued}, {"running", q.Running}} {
		if c.n < -1 || c.n > maxCount {
			return badField("quota."+c.field, "is %d, want 1 to %d, 0 for what the configuration says or -1 for no bound", c.n, maxCount)
		}
	}
	if rate := q.Rate; math.IsNaN(rate) || rate < 0 && rate != -1 || rate > maxRate {
		return badField("quota.submits_per_second", "is %v, want up to %d, 0 for what the configuration says or -1 for no bound", rate, maxRate)
	}
	return nil
}
