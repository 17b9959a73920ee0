package security

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
)

// AuthorityName is how a client says by SNI (RFC 6066 §3) which authority it knows: a
// server may have a former one as well.
func AuthorityName(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:16]) + ".octaskly"
}

// Fingerprint names a certificate so that people can compare it:
// "SHA256:" and the base64url of the hash of its DER form.
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return "SHA256:" + base64.RawURLEncoding.EncodeToString(sum[:])
}
