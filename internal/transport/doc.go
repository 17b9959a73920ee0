// Package transport links workers and dispatchers, and the two halves of a
// worker: a [Session] has one control channel, and bulk channels that the
// worker opens on demand.
//
// # TCP
//
// Every channel is a TLS 1.3 connection of its own, and the worker dials each
// of them. A multiplexer would let a flood on a bulk channel delay the
// heartbeats on the control channel behind it in the same TCP stream.
//
// ALPN says what a connection is for. With octaskly/1 the server's certificate is
// thrown away with the process and nobody verifies it. Who is there is shown by
// proofs that both know the fleet key, bound to this very connection (see package
// security). After the handshake:
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
//
// With octaskly/2 both sides show and verify certificates of the fleet's authority
// (see package security). The rest is the same, but proofs are zeros that nobody looks
// at. The listener's owner is asked at each opening whether he admits the worker,
// and an opening of a bulk channel must come from the worker of its session, whose
// certificate may have been renewed meanwhile. There are no tickets, so nobody comes
// in by what was good once.
//
// With octaskly-join/1 the server shows a certificate and the client has none yet:
// see package joining for what they say. Whoever joins waits in a lobby apart from
// the places of those that open sessions, as an operator may have to approve it.
//
// # QUIC
//
// A session is one QUIC connection, and each channel a bidirectional stream that
// the worker opens; control is the first, and goes before all others when there is
// too much to send. Each stream begins with the opening and the answer above, bound
// to the connection; a bulk channel's names the session that it is in. Until the
// control channel's proof is checked, a further stream ends the connection, since
// what it carries would cost memory.
//
// A stream ends with FIN if all of it was written, else it is reset. A session ends
// in good order by FIN on the control channel, which the other side answers by
// closing the connection, so that what was written last has arrived.
//
// The worker sends a datagram every two seconds. It keeps the session alive, tells
// the dispatcher a new address, and has a dispatcher that was restarted answer with
// a stateless reset, whose key follows from the fleet key. There is no 0-RTT and no
// resumption. Strangers have places for handshakes, half of them for one host; when
// a quarter are taken, a newcomer must show that his address is his own (Retry).
//
// # Unix sockets
//
// An executor listens on a Unix stream socket and the relay in a worker dials
// it. The kernel tells the executor who that is (SO_PEERCRED, socket(7)). In
// terms of [Session] it is the executor that has the worker's side and opens
// bulk channels; it cannot dial the relay, so it sends it sockets:
//
//	relay                                       executor
//	  connect                              ──▶
//	                                       ◀──    greeting, 9 bytes
//	                                                7  "octsk", 0, 0
//	                                                1  version: 1
//	                                                1  verdict: 1 welcome, 2 not allowed, 3 busy
//	                                              with a welcome: the carrier, one end of a
//	                                              SOCK_SEQPACKET pair, as SCM_RIGHTS (unix(7))
//	  control: the connection itself       ◀─▶
//	  carrier, for each bulk channel:      ◀──    packet
//	                                                1  kind: 2 bulk
//	                                                n  header
//	                                              and one end of a SOCK_STREAM pair
//
// A peer that is killed and one that closes look the same on such a socket, so
// a channel that is closed in good order says a last byte, which is no data and
// carries a descriptor (any) as SCM_RIGHTS. No data ever does, and the kernel
// ends a read at such a byte. There are no frames, and nothing is looked for in
// the data.
package transport
