package security

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
)

// Fingerprint names a certificate so that people can compare it:
// "SHA256:" and the base64url of the hash of its DER form.
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return "SHA256:" + base64.RawURLEncoding.EncodeToString(sum[:])
}
