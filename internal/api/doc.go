// Package api is the REST interface of the dispatcher, for octasklyctl and for
// everything else that speaks HTTP/1.1 and JSON:
//
//	curl --unix-socket SOCKET http://octaskly/api/v1/tasks
//
// routes.go lists all of it, types.go what the bodies hold. [New] makes the
// handler out of a [Dispatcher], [Listen] owns the path of a Unix socket and
// [Serve] runs the handler there.
//
// # Rules
//
// A request is who calls, checked input and one call of the dispatcher. Who
// calls is known from the socket, by SO_PEERCRED of unix(7). The Host is
// octaskly and nothing else, and headers that only browsers send are refused: no
// page on the web talks to this API, by a rebound name or otherwise.
//
// Unknown fields and parameters are refused, not ignored. Every answer that is
// no success is
//
//	{"error": {"kind": "bad-input", "message": "array: …", "field": "array"}}
//
// with field only where one is to blame. errors.go has the kinds and their
// statuses; *[Error] gives them their meaning back in a client.
//
// An answer that breaks off is not one: streams (watch, output) end in the last
// chunk of RFC 9112 section 7.1 if they are complete, else the connection is cut.
package api
