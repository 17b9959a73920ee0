package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/octaskly/octaskly/internal/discovery"
	"github.com/octaskly/octaskly/internal/security"
)

// fleetID tells fleets of one name apart: it is the same for all who have the key,
// and tells nobody anything about it.
func fleetID(key security.Key) string {
	return hex.EncodeToString(key.Derive("octaskly fleet id v1")[:8])
}

// sealer makes seals of announcements, which only those make who have the key. A
// seal is no proof of who is there: anybody may repeat an announcement as it is.
func sealer(key security.Key) func(text string) string {
	secret := key.Derive("octaskly announcement v1")
	return func(text string) string {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		return hex.EncodeToString(mac.Sum(nil)[:16])
	}
}

// genuine knows announcements that are sealed; without a key it knows none.
func genuine(key security.Key) func(*discovery.Announcement) bool {
	if key.IsZero() {
		return func(*discovery.Announcement) bool { return false }
	}
	seal := sealer(key)
	return func(a *discovery.Announcement) bool {
		return hmac.Equal([]byte(a.Seal), []byte(seal(a.Text())))
	}
}
