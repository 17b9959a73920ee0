// Package joining is how a machine becomes a worker of a fleet: it shows that it may,
// and gets a certificate of the fleet's own authority for a key of its own. From then
// on sessions are TLS with certificates on both sides (see package transport).
//
// It speaks over one connection of TLS 1.3 that ALPN has selected for it. The server
// shows its certificate and the authority's, which the worker, who may know neither,
// checks against each other; who that authority is, the protocol shows. Everything is
// bound to the connection by its exporter (RFC 8446 §7.5), a secret that only its two ends
// know: whoever stands in between has two connections with two exporters, and
// what is good on the one is worth nothing on the other, nor on any later one.
//
//	worker                                            dispatcher
//	  Apply: id, name, version, way, key,
//	         signature by the key, and …         ──▶    is it allowed?
//
//	  by key     proof(worker)                   ──▶
//	                                             ◀──    Joined: proof(dispatcher), certificate
//
//	  by invite  payload, proof(worker)          ──▶    uses it up, durably
//	                                             ◀──    Joined: proof(dispatcher), certificate
//
//	  by code    commitment to nonce w           ──▶
//	                                             ◀──    nonce d
//	  shows the code of w, d and this connection
//	                                             ◀──    Ping, each 15 s
//	  Pong                                       ──▶
//	                                                    somebody types a code
//	                                             ◀──    Claim: commitment to that code
//	  shows it no longer; Reveal: w              ──▶    is it the code of w, d and this connection?
//	                                             ◀──    Joined: opening of the claim, certificate
//	                                             ◀──    or Wrong
//	  commitment to another w                    ──▶    and so on, three times
//
//	  at any time                                ◀──    Refused: why
//
// A frame is 2 bytes of length and a CBOR map with integer keys, of 4 KiB at most.
// Unknown fields are ignored.
//
// # By key
//
//	proof = HMAC-SHA256(key, role ‖ exporter ‖ hash of the worker's key ‖ hash of the authority)
//
// under a key that is derived from the fleet key for that. Only who has the fleet key
// makes either proof, neither is the other, and both name the key to be certified, and by whom.
//
// # By invite
//
// An invite is "octi1." and base64url of payload ‖ mac, where mac is the HMAC of payload
// under a key derived from the fleet key. The text is a secret, and so is mac; neither is
// sent. The payload names the authority, so the worker knows whom it talks to before it
// says anything of the invite. The proofs are as above, under mac instead of the derived key,
// which the dispatcher makes again from the payload. An invite is good once: it is used up
// on disk before the certificate leaves. If that answer is lost, the same key may
// use it again until the invite ends, which is no further worker.
//
// # By code
//
// Neither knows anything of the other, and people compare only six digits:
//
//	code = HMAC-SHA256(w ‖ d, exporter ‖ hash of the worker's key ‖ hash of the authority ‖ id ‖ name) mod 10⁶
//
// Whoever stands in between plays the dispatcher on one connection and the worker on
// the other, and needs the same code on both. But w is committed to before d is known, and
// d is sent before w is known: on neither connection can he search, he can only hope, once in a
// million for each code that somebody types. Besides, the code does not leave the worker until
// somebody has typed it at the dispatcher's: the dispatcher commits to what was typed (Claim)
// before the worker reveals w, and opens that only if w agrees. So
//
//   - who only listens on the network and answers "approved", a false dispatcher with
//     nobody behind him, has to guess the code, too: the worker sees that a person who
//     has read it has typed it at the other end of this very connection;
//   - who is in between learns nothing from the dispatcher about a code that is not that of
//     his own connection to it, as the claim is not opened (and holds another exporter).
//
// Who lets the worker reveal w with a claim made up has spent that code: the worker
// shows it no longer, and a new one on its next try, with a pause after three
// (ErrWrongCode). He knows the spent code then, and could open connections to the
// dispatcher until one has the same, in the seconds in which somebody still types it. The Desk
// bounds how many may wait, and how fast new ones come: that is how many millionths he gets.
// Whoever can do that can also keep the worker from joining at all; both show in the logs.
//
// # What a certificate is good for
//
// It names the worker's id and name, for the key that signed the application. It is short-lived,
// renewed over a session that was opened with it (protocol.Renewed, [Identity.Renewed]), and
// whether it is still good the dispatcher looks up at each opening.
package joining
