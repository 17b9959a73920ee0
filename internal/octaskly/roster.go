package octaskly

import "time"

// Identity is a certificate that the fleet's authority has given to a worker: who
// shows it, and has its key, is that worker until it expires or is revoked.
type Identity struct {
	Serial    string // of the certificate, in hex
	Worker    WorkerID
	Name      string
	How       string // it was given, for people: "key", "invite 1f…", "approved by ann", "renewal"
	Key       []byte // SHA-256 of the worker's public key
	IssuedAt  time.Time
	ExpiresAt time.Time
	RevokedAt time.Time // zero: it is not
}

// Invite lets one worker in, once. The secret that it is made of is not kept.
type Invite struct {
	ID        string // in hex
	Name      string // of the only worker that it lets in; empty: of any
	By        string // who has made it
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedBy    WorkerID
	UsedKey   []byte // SHA-256 of that worker's public key, which may use it again
	UsedAt    time.Time
	RevokedAt time.Time
}

// Removal is a worker that an operator has removed: it is let in again only once
// somebody approves it.
type Removal struct {
	Worker WorkerID
	Name   string
	By     string
	At     time.Time
}
