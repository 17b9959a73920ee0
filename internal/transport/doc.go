// Package transport links workers and dispatchers: a [Session] has one control
// channel, and bulk channels that the worker opens on demand.
//
// # TCP
//
// Every channel is a TLS 1.3 connection of its own, and the worker dials each
// of them. A multiplexer would let a flood on a bulk channel delay the
// heartbeats on the control channel behind it in the same TCP stream.
//
// The server's certificate is thrown away with the process and nobody verifies
// it. Who is there is shown by proofs that both know the fleet key, bound to
// this very connection (see package security). After the handshake, with ALPN
// octaskly/1:
//
//	client                                      server
//	  opening, 59 bytes                    ──▶
//	    7  "octsk", 0, 0
//	    1  version: 1
//	    1  kind: 1 control, 2 bulk
//	   16  session: zero for control
//	   32  proof of the role worker
//	    2  length of the header, big endian
//	                                       ◀──    status, 1 byte
//	                                            if it is 1, accepted:
//	                                       ◀──    32  proof of the role dispatcher
//	                                       ◀──    16  session, for control only
//	  bulk: header, then data              ──▶
//
// Until the proof is checked, an unknown peer costs the server one goroutine
// and those 59 bytes, until a deadline, and gets to see nothing but TLS and the
// status. The client in its turn sends nothing more before it has checked the
// server's proof.
//
// The server draws a session's name at random and tells it to no one else, so
// that a bulk channel belongs to the worker who opened it.
package transport
