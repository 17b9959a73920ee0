package joining

import "time"

// Bounds of the protocol.
const (
	MaxFrame = 4 << 10          // bytes, of a frame's body
	MaxTries = 3                // codes that may be wrong on one connection
	Patience = 15 * time.Minute // for an approval

	stepTimeout   = 10 * time.Second // for what the other machine does by itself
	issueTimeout  = 30 * time.Second // for a certificate: it is on disk before it comes
	pingInterval  = 15 * time.Second
	silence       = 3 * pingInterval // until the other side of a wait is given up
	farewell      = 2 * time.Second  // for saying why not
	nonceSize     = 32
	maxWord       = 64 // bytes, of an id, a name, a version, as in a hello
	maxWhy        = 512
	maxInviteText = 1 << 10
)
