package auth

import (
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Claims is what an access token says. All of it is required; times are whole seconds.
type Claims struct {
	Subject   string // the user
	Role      octaskly.Role
	Session   string // octaskly.Token.ID
	ID        string // of this very token
	IssuedAt  time.Time
	NotBefore time.Time
	ExpiresAt time.Time
}

// Audience is whom access tokens are for.
const Audience = "octaskly-api"

// Bounds of what a token says, in bytes.
const (
	maxSubject = 256
	maxIssuer  = 128
	maxID      = 128
)

// payload is Claims on the wire.
type payload struct {
	Issuer    string        `json:"iss"`
	Audience  string        `json:"aud"`
	Subject   string        `json:"sub"`
	Role      octaskly.Role `json:"role"`
	Session   string        `json:"sid"`
	ID        string        `json:"jti"`
	IssuedAt  int64         `json:"iat"`
	NotBefore int64         `json:"nbf"`
	ExpiresAt int64         `json:"exp"`
}

func (c *Claims) payload(issuer string) *payload {
	return &payload{issuer, Audience, c.Subject, c.Role, c.Session, c.ID, c.IssuedAt.Unix(), c.NotBefore.Unix(), c.ExpiresAt.Unix()}
}

func (p *payload) claims() *Claims {
	return &Claims{p.Subject, p.Role, p.Session, p.ID, time.Unix(p.IssuedAt, 0), time.Unix(p.NotBefore, 0), time.Unix(p.ExpiresAt, 0)}
}

// UnmarshalJSON wants every claim, once, of its own type and within its bounds.
// What else there is may be of a later version.
func (p *payload) UnmarshalJSON(text []byte) error {
	o, err := parseObject(text)
	if err != nil {
		return err
	}
	var errs [9]error
	var role string
	p.Issuer, errs[0] = o.text("iss", maxIssuer)
	p.Audience, errs[1] = o.text("aud", maxIssuer)
	p.Subject, errs[2] = o.text("sub", maxSubject)
	role, errs[3] = o.text("role", maxID)
	p.Session, errs[4] = o.text("sid", maxID)
	p.ID, errs[5] = o.text("jti", maxID)
	p.IssuedAt, errs[6] = o.seconds("iat")
	p.NotBefore, errs[7] = o.seconds("nbf")
	p.ExpiresAt, errs[8] = o.seconds("exp")
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	p.Role, err = octaskly.ParseRole(role)
	return err
}

// What jwt.Claims asks for.

func (p *payload) GetExpirationTime() (*jwt.NumericDate, error) { return date(p.ExpiresAt) }
func (p *payload) GetIssuedAt() (*jwt.NumericDate, error)       { return date(p.IssuedAt) }
func (p *payload) GetNotBefore() (*jwt.NumericDate, error)      { return date(p.NotBefore) }
func (p *payload) GetIssuer() (string, error)                   { return p.Issuer, nil }
func (p *payload) GetSubject() (string, error)                  { return p.Subject, nil }
func (p *payload) GetAudience() (jwt.ClaimStrings, error)       { return jwt.ClaimStrings{p.Audience}, nil }

func date(seconds int64) (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(time.Unix(seconds, 0)), nil
}
