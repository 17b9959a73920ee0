package octaskly

import (
	"fmt"
	"slices"
	"time"
)

// Role is what somebody is in a fleet; package auth says what that permits.
type Role string

// The roles.
const (
	RoleAdmin      Role = "admin"      // everything
	RoleDispatcher Role = "dispatcher" // all tasks, and workers
	RoleWorker     Role = "worker"     // executes; asks for nothing
	RoleClient     Role = "client"     // tasks of his own
)

// Roles are all there are.
var Roles = []Role{RoleAdmin, RoleDispatcher, RoleWorker, RoleClient}

// ParseRole reads a role's name.
func ParseRole(text string) (Role, error) {
	if r := Role(text); slices.Contains(Roles, r) {
		return r, nil
	}
	return "", fmt.Errorf("no role is called %.40q: want admin, dispatcher, worker or client", text)
}

// User is somebody whom the dispatcher itself knows. A user of the machine who
// comes through the Unix socket needs no row; with the same name, both are one
// owner.
type User struct {
	Name      string
	Role      Role
	Password  string // argon2id in PHC's form; empty: no login by password
	Disabled  bool
	Quota     Quota
	CreatedAt time.Time
	ChangedAt time.Time
}

// Quota bounds what a user may have. 0 is what the configuration says for all,
// -1 is no bound.
type Quota struct {
	Queued  int64   // tasks that wait
	Running int64   // tasks at workers
	Rate    float64 // submissions a second, in the long run
}

// TokenKind says what a token is for.
type TokenKind string

// The kinds.
const (
	LoginToken   TokenKind = "login"   // somebody's session, which renews its access tokens
	MachineToken TokenKind = "machine" // made once, for a program
)

// Token is what somebody has been given to show who he is: neither it nor its
// secret is kept, only this. What it permits ends when it expires or is revoked, when
// its user goes or is disabled, and is never more than its user may.
type Token struct {
	ID        string // in every access token as its sid
	Kind      TokenKind
	User      string
	Role      Role
	Name      string // given by its maker, for people
	From      string // where it was made for
	Secret    []byte // SHA-256 of a login's present refresh secret
	Former    []byte // and of the one before, which nobody but a thief uses again
	CreatedAt time.Time
	UsedAt    time.Time // about
	ExpiresAt time.Time
	RevokedAt time.Time // zero: it is not
}

// SigningKey signs access tokens, until it is retired; it verifies them until all
// that it has signed have expired.
type SigningKey struct {
	ID        string // the kid
	Sealed    []byte // see security.Vault
	CreatedAt time.Time
	RetiredAt time.Time
}

// Action is one row of the audit log: somebody did something, or was refused.
type Action struct {
	Seq     int64 // from 1, without gaps
	At      time.Time
	Who     string // empty: nobody knows
	Role    Role
	Token   string // its id; empty on the Unix socket
	From    string // "unix uid=1000", or an IP address
	What    string // "task.submit"
	Target  string // "42", "w1", "ann"
	Outcome string // "done", or the kind of the error
	Detail  string // for people; never a secret
	Hash    []byte // SHA-256 over the row before's hash and this row
}

// Done is the Outcome of what was not refused.
const Done = "done"
