// Package security is cryptography without policy: it makes and checks secrets,
// and leaves to others what they permit.
//
// # The fleet key
//
// A [Key] is 32 random bytes that every machine of a fleet has in a file. It is
// never sent, never printed and never used as it is: [Key.Derive] gives each
// purpose a key of its own. [Keys] are the present one and those that were rotated away.
//
// # The proof
//
// Worker and dispatcher show each other that they know the key, inside a TLS
// 1.3 connection whose certificate nobody verifies:
//
//	proof = HMAC-SHA256(derived key, role ‖ 0 ‖ exporter)
//
// The exporter (RFC 8446 §7.5, RFC 5705) is a secret which both ends of one TLS
// connection compute from its handshake, and nobody else can. Whoever stands in
// the middle with a certificate of his own has two connections, with two
// exporters: a proof that was made for the one is worth nothing on the other,
// and he cannot make one himself. RFC 9266 binds other protocols to TLS in the
// same way. As the exporter is new on every connection, a proof cannot be
// replayed either, and as the role is under the HMAC, it cannot be sent back to
// the one who made it.
//
// So an end that has checked the other's proof knows that everything on this
// connection comes from there: TLS protects the rest.
//
// # What else is made here
//
// A [Vault] seals what lies on disk under keys that are derived of the fleet key.
// [HashPassword] and [CheckPassword] are argon2id, a few at a time. An [Authority]
// signs the certificates by which clients of HTTPS know the fleet's servers, and by which
// dispatcher and workers know each other ([VerifyDispatcher], [VerifyWorker]).
package security
