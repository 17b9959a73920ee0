// Package api is the REST interface of the dispatcher, for octasklyctl and for
// everything else that speaks HTTP and JSON:
//
//	curl --unix-socket SOCKET http://octaskly/api/v1/tasks
//	curl --cacert CA -H "Authorization: Bearer $TOKEN" https://HOST:3000/api/v1/tasks
//
// routes.go lists all of it, with who may and what the audit log calls it; types.go
// and accounts.go have what the bodies hold, and openapi.json says so to programs.
// [New] makes one handler out of a [Dispatcher] and [Accounts] for all doors.
// [Listen] owns the path of a Unix socket, where [Serve] runs the handler;
// [ServeTLS] does over HTTPS, and [ServePlain] on a loopback address.
//
// # Rules
//
// A request is who calls, checked input and one call of the dispatcher or of the
// accounts. Who calls a Unix socket is known by SO_PEERCRED of unix(7), with the
// role that an [AccessList] gives him; over TCP he shows a token. From there on
// the door makes no difference.
//
// Headers that only browsers send are refused, unless a page of a configured
// origin sends them over TCP. The Host of a Unix socket is octaskly, and that of a
// loopback address is one, so that no name can be rebound to them.
//
// What changes anything, and what is refused, is in the audit log before it is
// answered: the row comes with the change, see [Act], or the handler writes it.
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
