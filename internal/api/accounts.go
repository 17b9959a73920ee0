package api

import (
	"context"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Accounts is what the API needs to know who calls, and to keep users, tokens and
// the audit log. Its errors are like those of [Dispatcher].
type Accounts interface {
	// Authenticate knows whose access token that is. The error is ErrUnknown,
	// whatever is wrong with it.
	Authenticate(ctx context.Context, token string) (*Identity, error)
	// Standing is an error once who has come by a token may no longer what he may by
	// his Role. Else changed is closed when that may have become otherwise, as it may
	// at until, when the login or the machine token ends.
	Standing(who Caller) (changed <-chan struct{}, until time.Time, err error)

	// Login and Refresh open and renew a session. A wrong name or password is
	// ErrUnknown after a while, and takes longer each time; too many at once are
	// *TooSoon.
	Login(ctx context.Context, from string, how *LoginRequest) (*Session, error)
	Refresh(ctx context.Context, from string, how *RefreshRequest) (*Session, error)
	// Logout ends the session that the caller's token belongs to.
	Logout(context.Context, Caller) error

	// Users come by name.
	Users(context.Context, Caller, Page) ([]User, error)
	User(ctx context.Context, who Caller, name string) (*User, error)
	CreateUser(context.Context, Caller, *NewUser) (*User, error)
	// ChangeUser changes what the request says; a new password, a lesser role or
	// disabling ends all sessions of the user at once.
	ChangeUser(ctx context.Context, who Caller, name string, how *UserChange) (*User, error)
	RemoveUser(ctx context.Context, who Caller, name string) (*User, error)
	// ChangePassword is for the caller's own, who must know the present one.
	ChangePassword(context.Context, Caller, *PasswordChange) error

	// Tokens are the caller's, or with all everybody's, the latest first.
	Tokens(ctx context.Context, who Caller, all bool, page Page) ([]Token, error)
	CreateToken(context.Context, Caller, *NewToken) (*CreatedToken, error)
	RevokeToken(ctx context.Context, who Caller, id string) (*Token, error)

	// RotateKeys signs with a new key from now on. What was signed before is good
	// until it expires.
	RotateKeys(context.Context, Caller) (*Keys, error)

	// Record writes an action of the audit log, and returns when it is on disk.
	Record(context.Context, *octaskly.Action) error
	Audit(context.Context, Caller, AuditFilter) ([]AuditRow, error)
	// VerifyAudit goes through all of the log, and compares it with an anchor where one is given.
	VerifyAudit(ctx context.Context, who Caller, anchor *Anchor) (*AuditReport, error)
	// Anchor names the last row of the log, so that it can be kept elsewhere.
	Anchor(context.Context, Caller) (*Anchor, error)
}

// Identity is whom a token has shown.
type Identity struct {
	User  string
	Role  octaskly.Role
	Token string // its id
}

// TooSoon is the error of who has tried too often: octaskly.ErrFull, with a time.
type TooSoon struct {
	Why   string
	After time.Duration // that he may try again
}

func (e *TooSoon) Error() string { return e.Why }

// Wait is After in whole seconds, at least one, as the header Retry-After says it.
func (e *TooSoon) Wait() time.Duration { return roundUp(e.After) }

// Unwrap makes it an octaskly.ErrFull.
func (e *TooSoon) Unwrap() error { return octaskly.ErrFull }

// Page is a part of a list.
type Page struct {
	After string // the last one of the page before; empty: from the first on
	Limit int    // 0: all
}

// LoginRequest is the body of POST /api/v1/login.
type LoginRequest struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// RefreshRequest is the body of POST /api/v1/refresh.
type RefreshRequest struct {
	Token string `json:"refresh_token"`
}

// Session answers a login. The access token goes into the header Authorization,
// after "Bearer "; the refresh token is good once, for the next Session.
type Session struct {
	Access    string        `json:"access_token"`
	ExpiresAt time.Time     `json:"expires_at"` // of the access token
	Refresh   string        `json:"refresh_token"`
	EndsAt    time.Time     `json:"ends_at"` // of the session, unless it is refreshed
	User      string        `json:"user"`
	Role      octaskly.Role `json:"role"`
}

// User is one line of GET /api/v1/users.
type User struct {
	Name      string        `json:"name"`
	Role      octaskly.Role `json:"role"`
	Disabled  bool          `json:"disabled,omitempty"`
	Password  bool          `json:"has_password"`
	Quota     Quota         `json:"quota"`
	CreatedAt time.Time     `json:"created_at"`
	ChangedAt time.Time     `json:"changed_at"`
	// Jobs of that name, which whoever has it owns; said of a user who was just made
	// or removed.
	Jobs int64 `json:"jobs,omitempty"`
}

// Quota is octaskly.Quota in JSON: what is missing is as the configuration says,
// -1 is no bound.
type Quota struct {
	Queued  int64   `json:"queued,omitempty"`
	Running int64   `json:"running,omitempty"`
	Rate    float64 `json:"submits_per_second,omitempty"`
}

// NewUser is the body of POST /api/v1/users.
type NewUser struct {
	Name     string        `json:"name"`
	Role     octaskly.Role `json:"role,omitempty"`     // default client
	Password string        `json:"password,omitempty"` // without: by tokens only
	Quota    Quota         `json:"quota,omitzero"`
}

// UserChange is the body of PATCH /api/v1/users/{user}.
type UserChange struct {
	Role     octaskly.Role `json:"role,omitempty"`
	Password *string       `json:"password,omitempty"` // empty: none any more
	Disabled *bool         `json:"disabled,omitempty"`
	Quota    *Quota        `json:"quota,omitempty"`
}

// PasswordChange is the body of POST /api/v1/password.
type PasswordChange struct {
	Present string `json:"present"`
	New     string `json:"new"`
}

// Token is one line of GET /api/v1/tokens.
type Token struct {
	ID        string             `json:"id"`
	Kind      octaskly.TokenKind `json:"kind"`
	User      string             `json:"user"`
	Role      octaskly.Role      `json:"role"`
	Name      string             `json:"name,omitempty"`
	From      string             `json:"from,omitempty"`
	CreatedAt time.Time          `json:"created_at"`
	UsedAt    *time.Time         `json:"used_at,omitempty"`
	ExpiresAt time.Time          `json:"expires_at"`
	RevokedAt *time.Time         `json:"revoked_at,omitempty"`
}

// NewToken is the body of POST /api/v1/tokens.
type NewToken struct {
	Name    string        `json:"name,omitempty"`
	User    string        `json:"user,omitempty"` // default the caller
	Role    octaskly.Role `json:"role,omitempty"` // default the user's; never more
	Expires *Seconds      `json:"expires_in,omitempty"`
}

// CreatedToken answers NewToken. The secret is not kept: nobody can say it again.
type CreatedToken struct {
	Token
	Secret string `json:"token"`
}

// Keys are the ids of the keys that access tokens are verified by, the signing one first.
type Keys struct {
	IDs []string `json:"ids"`
}

// AuditFilter narrows the audit log, newest rows first.
type AuditFilter struct {
	Who     string
	What    string // "task.submit", or "task" for all of tasks
	Target  string
	Outcome string // "done", "refused" for all that is not done, or a kind
	Since   time.Time
	Until   time.Time
	Before  int64 // rows older than this one
	Limit   int
}

// AuditRow is one line of GET /api/v1/audit.
type AuditRow struct {
	Seq     int64         `json:"seq"`
	At      time.Time     `json:"at"`
	Who     string        `json:"who,omitempty"`
	Role    octaskly.Role `json:"role,omitempty"`
	Token   string        `json:"token,omitempty"`
	From    string        `json:"from,omitempty"`
	What    string        `json:"what"`
	Target  string        `json:"target,omitempty"`
	Outcome string        `json:"outcome"`
	Detail  string        `json:"detail,omitempty"`
	Hash    string        `json:"hash"` // hex
}

// Anchor names a row of the audit log. Whoever keeps it can tell later whether all rows
// up to it are what they were.
type Anchor struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Hash string    `json:"hash"` // hex
}

// AuditReport is what VerifyAudit found. Faults say which rows were edited, removed
// or put elsewhere.
type AuditReport struct {
	Rows    int64        `json:"rows"`
	First   int64        `json:"first,omitempty"`
	Last    *Anchor      `json:"last,omitempty"`
	Dropped *AuditDrop   `json:"dropped,omitempty"`
	Intact  bool         `json:"intact"`
	Faults  []AuditFault `json:"faults,omitempty"` // the first hundred
	// Incomparable: the row that the anchor names was dropped.
	Incomparable bool `json:"incomparable,omitempty"`
}

// AuditDrop says that retention has dropped all rows up to one, and when.
type AuditDrop struct {
	Seq int64     `json:"seq"`
	At  time.Time `json:"at"`
}

// AuditFault is one row, or a span of missing ones.
type AuditFault struct {
	Seq  int64  `json:"seq"`
	Last int64  `json:"last,omitempty"` // of a span
	Why  string `json:"why"`
}
