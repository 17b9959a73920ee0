package client

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"
)

// ContextVar names the variable that stands for the name of a context.
const ContextVar = "OCTASKLY_CONTEXT"

// Local is the name that means the socket of this machine: no context has it.
const Local = "local"

// What a file of contexts may have at most.
const (
	maxContexts     = 100
	maxContextsSize = 4 << 20
	maxCA           = 64 << 10
	maxToken        = 8 << 10
	maxUser         = 256
)

const contextsVersion = 1

// Context is a dispatcher that is reached by HTTPS, and who one is there: by a
// login, which has Access, ExpiresAt and Refresh, or by the Token of a machine.
type Context struct {
	Name      string    `json:"name"`
	URL       string    `json:"url"`          // see ParseURL
	CA        string    `json:"ca,omitempty"` // PEM, and nobody else is trusted; empty: whom the system trusts
	User      string    `json:"user,omitempty"`
	Access    string    `json:"access,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // of Access, by the clock of this machine
	Refresh   string    `json:"refresh,omitempty"`
	Token     string    `json:"token,omitempty"`
}

// Forget takes all tokens out.
func (c *Context) Forget() {
	c.Access, c.ExpiresAt, c.Refresh, c.Token = "", time.Time{}, "", ""
}

// LoggedIn reports whether there is a token that may still be good.
func (c *Context) LoggedIn() bool { return c.Token != "" || c.Refresh != "" || c.Access != "" }

// Contexts are those of a user, with names of their own.
type Contexts struct {
	Current  string // what is used unless another is named; empty: none was ever chosen; Local
	Contexts []Context
}

// Find returns the context of that name, or nil.
func (c *Contexts) Find(name string) *Context {
	for i := range c.Contexts {
		if c.Contexts[i].Name == name {
			return &c.Contexts[i]
		}
	}
	return nil
}

// Put adds a context, in place of the one with its name.
func (c *Contexts) Put(context Context) {
	if found := c.Find(context.Name); found != nil {
		*found = context
		return
	}
	c.Contexts = append(c.Contexts, context)
}

// Remove reports whether there was a context of that name.
func (c *Contexts) Remove(name string) bool {
	before := len(c.Contexts)
	c.Contexts = slices.DeleteFunc(c.Contexts, func(context Context) bool { return context.Name == name })
	if c.Current == name {
		c.Current = ""
	}
	return len(c.Contexts) < before
}

// contextsDocument is a file of contexts.
type contextsDocument struct {
	Version  int       `json:"version"`
	Current  string    `json:"current,omitempty"`
	Contexts []Context `json:"contexts"`
}

// ParseContexts reads what Encode has written. It is strict: what it does not
// know would be lost when the file is written again.
func ParseContexts(data []byte) (*Contexts, error) {
	if len(data) > maxContextsSize {
		return nil, fmt.Errorf("it has more than %d bytes", maxContextsSize)
	}
	var d contextsDocument
	text := json.NewDecoder(bytes.NewReader(data))
	text.DisallowUnknownFields()
	if err := text.Decode(&d); err != nil {
		return nil, err
	}
	if _, err := text.Token(); err != io.EOF {
		return nil, errors.New("something follows its end")
	}
	if d.Version != contextsVersion {
		return nil, fmt.Errorf("it has version %d; this octasklyctl knows %d", d.Version, contextsVersion)
	}
	all := &Contexts{d.Current, d.Contexts}
	return all, all.check()
}

// Encode checks and writes them.
func (c *Contexts) Encode() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(contextsDocument{contextsVersion, c.Current, slices.Concat([]Context{}, c.Contexts)}, "", "  ")
	if err == nil && len(data) >= maxContextsSize {
		err = fmt.Errorf("they have more than %d bytes", maxContextsSize)
	}
	return append(data, '\n'), err
}

func (c *Contexts) check() error {
	if len(c.Contexts) > maxContexts {
		return fmt.Errorf("there are more than %d contexts", maxContexts)
	}
	seen := map[string]bool{}
	for i := range c.Contexts {
		context := &c.Contexts[i]
		if err := context.Check(); err != nil {
			return err
		}
		if seen[context.Name] {
			return fmt.Errorf("there are two contexts %q", context.Name)
		}
		seen[context.Name] = true
	}
	if c.Current != "" && c.Current != Local && !seen[c.Current] {
		return fmt.Errorf("the current context is %.80q, and there is none of that name", c.Current)
	}
	return nil
}

var contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CheckContextName says what is wrong with the name of a context.
func CheckContextName(name string) error {
	switch {
	case name == Local:
		return fmt.Errorf("%q means the socket of this machine", Local)
	case !contextName.MatchString(name):
		return fmt.Errorf("%.80q is no name of a context: want up to 64 letters, digits, dots, dashes and underscores, the first a letter or digit", name)
	}
	return nil
}

// Check says what is wrong with a context.
func (c *Context) Check() error {
	if err := CheckContextName(c.Name); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return fmt.Errorf("context %q: %w", c.Name, err)
	}
	return nil
}

func (c *Context) check() error {
	if _, err := ParseURL(c.URL); err != nil {
		return err
	}
	if len(c.User) > maxUser {
		return fmt.Errorf("its user has more than %d bytes", maxUser)
	}
	for _, token := range []string{c.Access, c.Refresh, c.Token} {
		if err := CheckToken(token); err != nil {
			return err
		}
	}
	if year := c.ExpiresAt.Year(); year < 0 || year > 9999 {
		return fmt.Errorf("its expires_at is in the year %d", year)
	}
	if c.CA == "" {
		return nil
	}
	_, err := authorities(c.CA)
	return err
}

// CheckToken refuses what can stand in no header.
func CheckToken(token string) error {
	if len(token) > maxToken {
		return fmt.Errorf("a token has more than %d bytes", maxToken)
	}
	for _, b := range []byte(token) {
		if b <= ' ' || b > '~' {
			return errors.New("a token has characters that no token has")
		}
	}
	return nil
}

// authorities reads PEM.
func authorities(text string) (*x509.CertPool, error) {
	if len(text) > maxCA {
		return nil, fmt.Errorf("its ca has more than %d bytes", maxCA)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(text)) {
		return nil, errors.New("its ca is no certificate in PEM")
	}
	return pool, nil
}

// Authority is the certificate that the context trusts, the first if there are
// several; nil if it is the system's.
func (c *Context) Authority() *x509.Certificate {
	block, _ := pem.Decode([]byte(c.CA))
	if block == nil {
		return nil
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return certificate
}
